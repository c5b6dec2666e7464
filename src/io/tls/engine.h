// TLS without I/O: ciphertext in and out, plaintext in and out; either side of a connection.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/result.h"
#include "core/slice.h"
#include "core/slots.h"
#include "io/buffer.h"
#include "io/tls/facts.h"
#include "io/tls/openssl.h"
#include "io/tls/output.h"
#include "io/tls/profile.h"

namespace weir {

/// One connection. Whoever drives it feeds what the transport brings and sends `take_output`,
/// which any operation may have added to; nothing waits and nothing is called back. Between
/// operations an idle connection holds no buffer. Not movable: OpenSSL's object points here.
class TlsEngine {
 public:
  /// `buffers` outlives every slice; `worker` outlives the handshake.
  explicit TlsEngine(BufferPool& buffers);
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;
  ~TlsEngine();

  /// One of these comes first.
  Status start_server(const TlsServerProfile& profile, Slots& worker);
  /// `name` and `only` as in tls_connect.
  Status start_client(std::shared_ptr<const TlsClientProfile> profile, const std::string& name,
                      Slots& worker, std::string_view only = {});

  // --- from the transport

  /// Takes the next bytes, once the last have been used up (`hungry`).
  void feed(Slice ciphertext);
  bool hungry() const { return input_.empty(); }
  /// No more will come: `end_of_stream`, or what broke the connection.
  void feed_end(const Error& why) { transport_end_ = why; }

  // --- to the transport

  bool has_output() const { return output_ != nullptr; }
  std::unique_ptr<TlsOutput> take_output() { return std::move(output_); }

  // --- the connection

  /// True when the handshake is over, or early data has come (`TlsFacts::early`): reading then
  /// carries the handshake on, and what is written goes out ahead of its end. False when it needs
  /// input. On an error (`tls_handshake`, `tls_verify`, or the transport's) the output may have an
  /// alert.
  Result<bool> handshake();
  /// For a connection that is early: carries the handshake on and keeps what came early for `read`.
  /// Nothing when input is needed first; an empty slice once it is early no more.
  std::optional<Result<Slice>> settle();

  /// Decrypted bytes, 16 KiB at most, or up to 256 KiB when `hint` asks for more than 16 KiB;
  /// nothing when input is needed first. `end_of_stream` only after the peer's close_notify: an end
  /// of the transport without it is a `reset`, so that what is delimited by the end of the
  /// connection is not taken for complete when somebody cut it short.
  std::optional<Result<Slice>> read(std::size_t hint);

  /// Encrypts from the front of `data`, which is consumed, until about `most` bytes of output or
  /// until nothing is left. Small slices share a record. File slices are read, in pieces.
  Status write(std::span<Slice>& data, std::size_t most);

  /// Adds close_notify to the output, once; not while the connection is early.
  void close_notify();

  /// Whether nothing is to be read: uses up the input (session tickets, key updates) and finds
  /// neither plaintext nor an end in it.
  bool quiet();

  /// New keys for what we send, and for what the peer sends if it is asked to (RFC 8446, 4.6.3).
  Status update_keys(bool ask_peer);

  /// Only once established.
  const TlsFacts& facts() const { return *facts_; }
  /// Whether nothing of the output is needed to complete the peer's handshake, once ours is over.
  bool only_tickets_left() const;
  /// `handshake` has come to true.
  bool established() const { return facts_ != nullptr; }

  // --- for the callbacks of OpenSSL

  struct Handshake;
  /// Null once the handshake is over and what came early has been read.
  Handshake* in_handshake() { return handshake_.get(); }
  static TlsEngine& of(const SSL* connection);
  /// A session that the server offers for resumption; true if the reference has been taken.
  bool keep_session(SSL_SESSION* session);
  std::size_t take_input(char* out, std::size_t size);
  bool put_output(std::string_view bytes);

 private:
  struct ClientSide;
  /// While it lives, records are put into blocks of the pool: nothing else may borrow from it.
  class Lending;

  Status attach(SSL_CTX* context, Slots& worker);
  /// For calls that may read or write: from now on the worker's BIO is this engine's.
  SSL* operating();
  Error explain(ErrorCode code) const;
  bool nothing_to_find() const;
  std::optional<Error> why_no_bytes(int result);
  Result<bool> advance_handshake();
  int take_early();
  std::optional<Result<Slice>> read_early(std::size_t hint);
  bool early() const { return handshake_ != nullptr && established() && facts_->early; }
  void establish();
  Status encrypt(std::string_view plaintext);
  bool add_output(Slice slice);

  BufferPool& buffers_;
  SslPtr ssl_;
  Slice input_;
  std::unique_ptr<TlsOutput> output_;
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<TlsFacts> facts_;
  std::unique_ptr<ClientSide> client_;
  Lending* lending_ = nullptr;
  Error transport_end_;  // none: it goes on
  Error failure_;        // none: all is well
  bool server_ = false;
  bool closed_ = false;  // close_notify is in the output, or was
};

}  // namespace weir

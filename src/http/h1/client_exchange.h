// One request to an origin over an HTTP/1.1 connection, and its response.
#pragma once

#include <memory>

#include "http/exchange.h"
#include "http/h1/framing.h"
#include "http/h1/head_buffer.h"
#include "http/h1/incoming_body.h"

namespace weir {
class TlsClientProfile;
}

namespace weir::h1 {

class HeadWriter;
class Pieces;

/// A connection to an origin between exchanges; a value without a coroutine.
struct ClientConnection {
  std::unique_ptr<Stream> stream;
  TimePoint born{};
  std::uint32_t uses = 0;                  // exchanges begun on it
  const TlsClientProfile* tls = nullptr;   // what it was made under; kept alive by the stream
  std::shared_ptr<const void> place = {};  // let go with it; null: nobody counts connections

  void close() {
    stream.reset();
    place.reset();
  }
};

/// Gets a connection back. Called from inside the read that took the response's last byte.
class ConnectionHome {
 public:
  virtual void give_back(ClientConnection connection) = 0;

 protected:
  ~ConnectionHome() = default;
};

/// What is sent: end-to-end fields with Host, without framing.
struct ClientRequest {
  Method method;
  std::string_view method_text;
  std::string_view target;  // path and query, "*", or host:port for CONNECT
  const Headers* headers;
  Body* body;                // null if there is none
  std::string_view upgrade;  // protocol to ask for, or empty
  bool te_trailers;
  bool replayable = false;  // `body` can be had again: that some was sent is no reason to give up
};

struct ClientLimits {
  Limits head;
  ChunkLimits chunk;
  Duration response_timeout;  // from the end of the request (or the last interim) to the head
  Duration idle_timeout;      // without progress of a body in either direction
};

/// Owned by the exchange whose request it sends: the upload runs in that exchange's scope, the
/// response body lives in its arena. A connection that cannot be used again is closed with it.
class ClientExchange final : public BodyObserver {
 public:
  /// `stop`: the exchange's, or one of a part of it.
  ClientExchange(Exchange& exchange, ClientConnection connection, ConnectionHome& home,
                 const ClientLimits& limits, StopToken stop);
  ~ClientExchange();

  /// Returns at the response head; the upload may still be running. Errors are of
  /// Origin::upstream unless the client's body failed; `retry` says what is safe.
  Task<Result<Response>> run(ClientRequest request);
  /// After `run`: nobody wants more of it. A connection that was not given back is closed.
  void abandon();

 private:
  struct Watchdog : Timer {
    using Timer::Timer;
    ClientExchange* owner = nullptr;
  };

  struct OriginWrite;

  auto write(std::span<Slice> slices);
  Status write_head(const ClientRequest& request, Pieces& pieces);
  void write_framing(HeadWriter& writer, const ClientRequest& request);
  void note_sent(const Pieces& pieces, bool end, const Body& body);
  Task<void> upload(Body* body);
  Result<bool> parse_head(HeadBuffer& buffer, ResponseHead& head, Headers& headers);
  Task<Status> pass_interim(ResponseHead head, Headers headers);
  Result<Response> make_response(const ClientRequest& request, const ResponseHead& head,
                                 Headers headers);
  Error explain(const Error& error) const;
  void await_response();
  void on_watchdog();
  void body_complete() override;
  void release_if_done();

  Exchange& exchange_;
  ClientConnection connection_;
  ConnectionHome& home_;
  const ClientLimits& limits_;
  StopSource stop_;
  Watchdog watchdog_;
  Slice unread_;
  Slice head_bytes_;  // what the response's views point into
  IncomingBody* body_ = nullptr;
  std::uint64_t sent_ = 0;
  std::uint64_t progress_seen_ = 0;
  const WriteOperation* write_ = nullptr;  // the one that waits for the origin
  bool chunked_ = false;
  bool upload_done_ = true;
  bool upload_failed_ = false;
  bool response_seen_ = false;  // any byte of it
  bool response_done_ = false;
  bool keep_alive_ = false;
  bool abandoned_ = false;
};

}  // namespace weir::h1

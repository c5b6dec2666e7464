// The body of a message that arrives over HTTP/1.1, on either side of the proxy.
#pragma once

#include <cstdint>
#include <optional>

#include "http/body.h"
#include "http/h1/chunked.h"
#include "http/h1/framing.h"
#include "io/stream.h"

namespace weir::h1 {

/// Told by a body about its life.
class BodyObserver {
 public:
  /// The sender waits for 100 (Continue) and somebody wants the body. Only with
  /// `Framing::expect_continue`.
  virtual Task<Status> send_continue() { co_return Status(); }
  /// Once more a few bytes are all that came of a body that goes on.
  virtual void trickles() {}
  /// The last byte has been taken out of the connection; runs inside the read that took it.
  virtual void body_complete() {}

 protected:
  ~BodyObserver() = default;
};

/// Where the bytes come from; the session owns both. What is read beyond the body stays in
/// `unread`.
struct Incoming {
  Stream* stream;
  Slice* unread;
  StopToken stop;
  Origin origin;
};

class IncomingBody final : public Body {
 public:
  /// What is left of a body must be this much for a pipe to be cheaper than copying it.
  static constexpr std::uint64_t kLeastSplice = 64 * 1024;

  /// So few bytes are hardly worth a wake-up; so often they may come all the same.
  static constexpr std::size_t kTrickle = 16;
  static constexpr std::uint8_t kFreeTrickles = 32;

  /// `framing.kind` is length, chunked or until_close. The arena keeps the trailers.
  IncomingBody(Incoming from, const Framing& framing, const ChunkLimits& limits, Arena& arena,
               BodyObserver* observer);

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  void let_pass() override { splices_ = kind_ == Framing::Kind::length && from_.stream->splices(); }
  std::optional<std::uint64_t> length() const override;
  const Headers* trailers() const override;

  /// More payload than this is an error: body_too_large.
  void limit(std::uint64_t bytes) { limit_ = bytes; }

  bool complete() const { return complete_; }
  /// It broke the rules or a limit: what follows on the connection is not to be read.
  bool broken() const { return broken_; }
  /// A read waits for the peer at this moment.
  bool waiting() const { return waiting_; }
  /// Payload bytes taken so far.
  std::uint64_t received() const { return received_; }

 private:
  Result<Slice> decode();
  Result<Slice> decode_chunked(Slice& unread);
  bool worth_a_pipe() const { return splices_ && left_ >= kLeastSplice; }
  void note(std::size_t size);
  void judge(std::size_t size);
  void finish();
  Result<Slice> ended(const Error& error);

  Incoming from_;
  BodyObserver* observer_;
  Framing::Kind kind_;
  bool complete_ = false;
  bool broken_ = false;
  bool waiting_ = false;
  bool splices_ = false;
  std::uint8_t trickles_ = 0;
  bool announced_;  // the sender sends without further word
  std::uint64_t length_;
  std::uint64_t left_;
  std::uint64_t received_ = 0;
  std::uint64_t limit_ = ~std::uint64_t{0};
  std::size_t hint_ = 0;
  std::optional<ChunkedDecoder> decoder_;
};

}  // namespace weir::h1

// One HTTP/2 stream as two flows of bytes that are pulled: the same for both sides of the proxy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "http/body.h"
#include "http/h2/connection.h"
#include "http/h2/receive_queue.h"

namespace weir::h2 {

/// Told when something has come, or nothing more will.
class Arrivals {
 public:
  virtual void arrived() = 0;

 protected:
  ~Arrivals() = default;
};

/// What goes out instead of a body: a tunnel's writes.
class Departures {
 public:
  virtual Supply supply(std::size_t most) = 0;
  virtual void take(std::size_t bytes, OutputBatch& out) = 0;
  /// The stream is closed; nothing is asked for any more.
  virtual void closed() = 0;

 protected:
  ~Departures() = default;
};

/// Base of a session's streams. The owner forgets it (`engine().forget`) before it is destroyed.
class Channel : public EngineStream {
 public:
  /// `peer`: whom errors of what arrives belong to.
  Channel(Connection& connection, Origin peer, Arena& arena);

  Connection& connection() { return connection_; }
  Engine& engine() { return connection_.engine(); }
  Arena& arena() { return arena_; }

  // What arrives.
  /// The next bytes; empty at the end; nothing while there are none.
  std::optional<Result<Slice>> try_take();
  void notify(Arrivals* arrivals) { arrivals_ = arrivals; }
  /// The peer waits for 100 (Continue) before it sends.
  virtual void send_continue() {}
  /// Nobody wants what still arrives: takes and drops up to `most` bytes of it, then resets the
  /// stream with NO_ERROR (RFC 9113, 8.1). Ends when the stream is closed.
  Task<void> discard(std::uint64_t most, StopToken stop);
  bool ended_in() const { return ended_in_; }
  const Headers* trailers_in() const { return trailers_in_; }
  std::uint64_t received() const { return received_; }

  // What goes out.
  /// What follows the head that has been submitted; null if nothing does, or a tunnel.
  void begin_body(Body* body) { body_ = body; }
  /// Waits until our last frame has left, and reads the body for it. Errors: what the body says,
  /// and what closed the stream.
  Task<Status> send(StopToken stop);
  /// Lets a tunnel speak instead of a body; null stops that.
  void depart(Departures* departures) { departures_ = departures; }
  /// There is something to send again.
  void resume();
  /// Nothing more is to be sent but the end.
  void end_body();
  /// Some of the body has been taken: it cannot be sent again elsewhere.
  bool body_begun() const { return body_begun_; }
  /// Body bytes handed to the connection.
  std::uint64_t sent() const { return sent_; }

  void reset(Reason reason);
  /// The connection is gone, and every stream with it.
  void lose(const Error& why);
  bool closed() const { return closed_; }
  bool end_sent() const { return end_sent_; }
  Closed closed_as() const { return closed_as_; }
  /// Nothing is there to be sent.
  bool resting() const { return resting_; }
  /// The peer's window is all that keeps us from sending.
  bool blocked() { return !resting_ && !end_sent_ && engine().blocked(*this); }

 protected:
  ~Channel();

  /// The owner goes: what was said to the end is still carried to the end, the rest is cancelled.
  void leave();
  void expect_length(std::optional<std::uint64_t> length) { expected_ = length; }
  /// Trailers begin: where they go.
  Headers* begin_trailers();
  void end_trailers(const FieldBlock& block);
  /// The peer broke the protocol on this stream: it is reset, and what arrives ends with `why`.
  void violate(const Error& why);
  void fail_arrivals(const Error& why);
  /// Why a closed stream gives nothing more.
  Error closing_error() const;
  virtual void violated(const Error&) {}
  virtual void stream_closed(Closed) {}

 private:
  void on_data(Slice bytes) final;
  void on_end() final;
  void on_closed(Closed how) final;
  Supply supply(std::size_t most) final;
  void take(std::size_t bytes, OutputBatch& out) final;
  void on_end_sent() final;

  void drop(std::uint64_t bytes);
  void gather(std::size_t most);
  void push(Slice piece);
  bool add_trailers(Supply& supply);

  static constexpr std::size_t kPieces = 4;

  Connection& connection_;
  Arena& arena_;
  Signal changed_;
  ReceiveQueue queue_;
  Arrivals* arrivals_ = nullptr;
  Departures* departures_ = nullptr;
  Body* body_ = nullptr;
  Headers* trailers_in_ = nullptr;
  std::optional<std::uint64_t> expected_;  // Content-Length
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::optional<std::uint64_t> discard_;  // bytes that may still be dropped
  std::size_t ready_ = 0;                 // bytes in pieces_
  Error arrivals_error_;
  Error departures_error_;
  Error lost_;
  Closed closed_as_;
  Origin peer_;
  bool ended_in_ = false;
  bool body_begun_ = false;
  bool body_ended_ = false;
  bool reading_ = false;  // a read of the body waits
  bool resting_ = false;  // the engine asked and got nothing
  bool end_sent_ = false;
  bool closed_ = false;
  std::uint8_t pieces_count_ = 0;
  std::array<Slice, kPieces> pieces_;
};

/// What arrives on a channel, as a body.
class ChannelBody final : public Body, private Arrivals {
 public:
  /// `waits`: the sender waits for 100 (Continue).
  ChannelBody(Channel& channel, std::optional<std::uint64_t> length, bool waits, StopToken stop);
  ~ChannelBody();

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override { return length_; }
  const Headers* trailers() const override;

  /// More payload than this is an error: body_too_large.
  void limit(std::uint64_t bytes) { limit_ = bytes; }
  /// A read waits for the peer at this moment.
  bool waiting() const { return waiting_; }
  bool complete() const { return complete_; }
  /// Payload bytes taken so far.
  std::uint64_t taken() const { return taken_; }

 private:
  void arrived() override { signal_.raise(); }
  std::optional<Result<Slice>> next();

  Channel& channel_;
  Signal signal_;
  StopToken stop_;
  std::optional<std::uint64_t> length_;
  std::uint64_t taken_ = 0;
  std::uint64_t limit_ = ~std::uint64_t{0};
  bool waits_;
  bool waiting_ = false;
  bool complete_ = false;
};

}  // namespace weir::h2

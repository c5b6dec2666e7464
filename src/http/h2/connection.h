// The socket of an HTTP/2 connection, its engine, and the one writer between them.
#pragma once

#include <memory>

#include "http/h2/engine.h"
#include "io/loop.h"
#include "io/signal.h"
#include "io/stream.h"

namespace weir::h2 {

/// Told by the writer. Must not destroy the connection before it returns.
class WriterObserver {
 public:
  /// Everything that could go out has been handed to the socket.
  virtual void flushed() = 0;
  /// A write failed: nothing goes out any more.
  virtual void write_failed(const Error& why) = 0;

 protected:
  ~WriterObserver() = default;
};

/// Owned by a session, which reads. Writes at the end of the loop's turn, so that all that was
/// said in it leaves in one call. Destroyed when no write is pending (see `settled`).
class Connection {
 public:
  Connection(std::unique_ptr<Stream> stream, Side side, const Limits& limits,
             const FieldLimits& fields, EngineListener& listener, WriterObserver& observer);

  Stream& stream() { return *stream_; }
  Engine& engine() { return engine_; }
  const Engine& engine() const { return engine_; }
  Loop& loop() { return loop_; }

  /// The engine may have something to say.
  void kick();
  /// Gives up what is being written, and says nothing more.
  void stop_writing(const Error& why);

  /// A write waits for the peer.
  bool writing() const { return writing_; }
  bool settled() const { return !writing_ && !soon_.linked(); }
  /// `co_await settling().wait()` in a loop while not `settled`.
  Signal& settling() { return settling_; }

  /// Bytes that the socket has taken.
  std::uint64_t written() const;

  /// Bytes of bodies that have come and wait to be read, on all streams.
  std::size_t held = 0;

 private:
  struct Write : WriteOperation {
    Connection* owner = nullptr;
  };
  struct Soon : Operation {
    Connection* owner = nullptr;
  };

  void flush();
  bool write();
  bool after_write();

  std::unique_ptr<Stream> stream_;
  Loop& loop_;
  WriterObserver& observer_;
  Engine engine_;
  Write write_;
  Soon soon_;
  Signal settling_;
  std::unique_ptr<OutputBatch> batch_;  // only while there is something to write
  std::uint64_t written_ = 0;           // the batch in flight included
  bool writing_ = false;
  bool flushing_ = false;
  bool broken_ = false;
};

}  // namespace weir::h2

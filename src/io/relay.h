// Copies bytes both ways between two streams, with half-close kept intact.
#pragma once

#include <coroutine>
#include <cstdint>

#include "core/recycle.h"
#include "io/loop.h"

namespace weir {

/// How a relay ended, and what it moved.
struct RelayResult {
  std::uint64_t forward = 0;   // bytes from `a` to `b`
  std::uint64_t backward = 0;  // bytes from `b` to `a`
  /// Code none if both sides ended in an orderly way. Origin client for what `a` did, upstream for
  /// `b`; what stopped the relay stays as it is.
  Error error;
};

/// One object with two directions, each a read or a write in flight: no coroutine of its own, no
/// buffer while both sides are silent. An error on either side ends both; an end of stream is
/// passed on as a half-close. Bulk stays in the kernel where both streams can splice. `idle` (0:
/// for ever) is how long both may be silent.
class Relay {
 public:
  Relay(Stream& a, Stream& b, StopToken stop, Duration idle);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Bytes that were read before the relay began and go out first.
  void preload(Slice from_a, Slice from_b);

  /// `co_await relay.run()` gives RelayResult. Awaited once.
  auto run() {
    struct Awaiter {
      Relay& relay;
      bool await_ready() const { return relay.start(); }
      void await_suspend(std::coroutine_handle<> waiter) const { relay.waiter_ = waiter; }
      RelayResult await_resume() const { return relay.result_; }
    };
    return Awaiter{*this};
  }

 private:
  struct Direction {
    Direction(Relay& owner, Stream& source, Stream& sink, std::uint64_t& moved, StopToken stop);
    void pump();
    void on_read();
    void on_written();
    void finish(const Error& error, const Stream& at);

    struct Read : ReadOperation {
      using ReadOperation::ReadOperation;
      Direction* direction = nullptr;
    };
    struct Write : WriteOperation {
      using WriteOperation::WriteOperation;
      Direction* direction = nullptr;
    };
    bool start_read();
    bool start_write();

    Relay& relay;
    Stream& from;
    Stream& to;
    std::uint64_t& bytes;
    Slice pending;
    Read read;
    Write write;
    std::size_t hint = 0;
    bool done = false;
  };
  struct IdleTimer : Timer {
    using Timer::Timer;
    Relay* relay = nullptr;
  };

  bool start();
  void touch();
  void direction_done(const Error& error);

  Loop& loop_;
  StopSource stop_;
  Duration idle_;
  IdleTimer idle_timer_;
  RelayResult result_;
  int running_ = 2;
  bool starting_ = true;
  std::coroutine_handle<> waiter_;
  Direction forward_;
  Direction backward_;
};

}  // namespace weir

// Copies bytes both ways between two streams, with half-close kept intact.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>

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

/// One direction of a relay while it is silent: a read that waits.
struct RelayDirection : ReadOperation {
  bool backward : 1 = false;
  bool bulk : 1 = false;   // whole buffers come: larger ones, or a pipe, are worth it
  bool ended : 1 = false;  // in order, and the end was passed on
  bool done : 1 = false;   // ended, or broken
  std::uint64_t bytes = 0;
};

template <bool Backward>
struct RelayWay : RelayDirection {
  RelayWay() { backward = Backward; }
};

/// A state machine of two directions, each a read or a write in flight: no coroutine, no buffer
/// while both sides are silent. Writes, and the reason of a failure, have memory only while there
/// are any. An error on either side ends both; an end of stream is passed on as a half-close. Bulk
/// stays in the kernel where both streams can splice.
class Relay : private Timer, private RelayWay<false>, private RelayWay<true> {
 public:
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Bytes that were read before the relay began and go out first.
  void preload(Slice from_a, Slice from_b);

  /// Ends both directions early; the first reason counts. `over` is not called before it returns.
  void stop(const Error& why);

  /// How it stands when it is over: whether the end of one side was passed on to the other, and
  /// what was read of it but not written.
  bool ended(bool backward) const { return way(backward).ended; }
  Slice take_unwritten(bool backward);

 protected:
  /// The streams outlive the relay's end. `idle` (0: for ever) is how long both may be silent, in
  /// whole milliseconds.
  Relay(Stream& a, Stream& b, Duration idle);
  ~Relay();

  /// True if it is over already; else `over` will be called.
  bool start();
  /// Both directions have ended. Called once, last: the relay may go.
  virtual void over() = 0;

  RelayResult result() const;
  Stream& a() const { return *streams_[0]; }
  Stream& b() const { return *streams_[1]; }

 private:
  using Direction = RelayDirection;
  using Forward = RelayWay<false>;
  using Backward = RelayWay<true>;
  struct Write;
  struct Moving;

  Direction& way(bool backward) {
    return backward ? static_cast<Direction&>(static_cast<Backward&>(*this))
                    : static_cast<Direction&>(static_cast<Forward&>(*this));
  }
  const Direction& way(bool backward) const { return const_cast<Relay*>(this)->way(backward); }
  Stream& from(const Direction& way) const { return *streams_[way.backward]; }
  Stream& to(const Direction& way) const { return *streams_[!way.backward]; }
  Write& write_of(const Direction& way);
  void rest();
  void touch();
  void pump(Direction& way);
  bool start_read(Direction& way);
  bool start_write(Write& write);
  void on_read(Direction& way);
  void on_written(Direction& way);
  void finish(Direction& way, const Error& error, bool reading);

  Stream* streams_[2];
  std::unique_ptr<Moving> moving_;  // null while both sides are silent
  std::uint32_t idle_;              // milliseconds
  std::uint8_t running_ : 2 = 2;    // directions
  bool starting_ : 1 = true;
  bool stopped_ : 1 = false;
  bool failed_ : 1 = false;
};

/// A relay for a coroutine: `co_await relay.run()` gives RelayResult, once. Ends early with `stop`.
class AwaitedRelay final : public Relay {
 public:
  AwaitedRelay(Stream& a, Stream& b, StopToken stop, Duration idle);

  auto run() {
    struct Awaiter {
      AwaitedRelay& relay;
      bool await_ready() const { return relay.begin(); }
      void await_suspend(std::coroutine_handle<> waiter) const { relay.waiter_ = waiter; }
      RelayResult await_resume() const { return relay.result(); }
    };
    return Awaiter{*this};
  }

 private:
  struct Stop : weir::StopCallback {
    using weir::StopCallback::StopCallback;
    AwaitedRelay* relay = nullptr;
  };
  bool begin();
  void over() override { waiter_.resume(); }

  StopToken token_;
  Stop stop_;
  std::coroutine_handle<> waiter_;
};

}  // namespace weir

// Loop: the one thing through which a worker reaches the world: sockets, time, chance.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "core/random.h"
#include "core/result.h"
#include "core/slots.h"
#include "io/address.h"
#include "io/buffer.h"
#include "io/operation.h"
#include "io/pipe.h"
#include "io/stream.h"
#include "io/timer.h"

namespace weir {

class DatagramReceiver;
class DatagramSocket;
class Listener;

/// What can be given to `Loop::connect`.
struct ConnectOptions {
  bool datagram = false;  // a connected UDP socket: every read and write is one datagram
  /// From which to connect; it need not be this host's (IP_TRANSPARENT). Else the system's choice.
  std::optional<IpAddress> source = {};
};

struct ConnectOperation : Operation {
  ConnectOperation(Loop& on, Address to, ConnectOptions how)
      : loop(on), address(std::move(to)), options(how) {}
  inline bool start();

  Loop& loop;
  Address address;
  ConnectOptions options;
  std::unique_ptr<Stream> stream;  // while connecting
  Result<std::unique_ptr<Stream>> result{};
};

struct AcceptOperation : Operation {
  explicit AcceptOperation(Listener& from) : listener(from) {}
  inline bool start();

  Listener& listener;
  Result<std::unique_ptr<Stream>> result{};
};

/// Waits until a time. The result is an error only when it was stopped.
struct SleepOperation : Operation {
  SleepOperation(Loop& on, TimePoint until);
  bool start();

  struct Alarm : Timer {
    using Timer::Timer;
    SleepOperation* owner = nullptr;
  };
  Loop& loop;
  TimePoint deadline;
  Alarm alarm;
  Status result{};
};

/// Readiness of a descriptor that is not a Stream of the loop (splice pipes, libraries).
struct ReadyOperation : Operation {
  ReadyOperation(Loop& on, int descriptor, bool write)
      : loop(on), fd(descriptor), for_write(write) {}
  inline bool start();

  Loop& loop;
  int fd;
  bool for_write;
  Status result{};
};

/// Accepts from one listening socket on one loop. Accepting pauses by itself, with a growing
/// delay of 10 ms to 1 s, when the process or the system runs out of descriptors or memory.
class Listener : public Cancellable {
 public:
  virtual ~Listener() = default;
  OperationAwaiter<AcceptOperation> accept(StopToken stop = {}) {
    return OperationAwaiter<AcceptOperation>(stop, *this);
  }
  virtual bool start_accept(AcceptOperation& operation) = 0;

  /// A connection that had been established already when accepting was stopped; null when none is
  /// left. Whoever stops accepting serves these before the listener goes, which would
  /// close them.
  virtual std::unique_ptr<Stream> take_accepted() { return nullptr; }
};

/// How a listening socket is bound.
struct BindOptions {
  bool reuse_port = true;
  int backlog = 4096;
  unsigned unix_mode = 0;    // of a Unix socket's file; 0 leaves what umask gives
  bool datagram = false;     // UDP; `backlog` has no meaning
  bool transparent = false;  // connections to addresses of other hosts are taken, too
};

/// Where listening sockets come from; process-wide and called at start and reload only. Sockets
/// are numbers (descriptors, or the simulation's own).
class Network {
 public:
  virtual ~Network() = default;
  virtual Result<int> bind(const Address& address, const BindOptions& options) = 0;
  virtual Result<Address> bound_address(int socket) = 0;
  virtual void close(int socket) = 0;
};

/// One worker's loop. Not thread safe but for `post` and `stop`.
class Loop : public Cancellable {
 public:
  virtual ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Monotonic time, read once per turn.
  TimePoint now() const { return now_; }
  /// Nanoseconds since the Unix epoch, read once per turn.
  std::int64_t wall_now() const { return wall_now_; }
  Random& random() { return random_; }
  TimerWheel& timers() { return timers_; }
  BufferPool& buffers() { return *buffers_; }
  PipePool& pipes() { return *pipes_; }
  Slots& slots() { return *slots_; }
  /// Which worker of the process this is: 0, 1, ...
  unsigned index() const { return index_; }

  OperationAwaiter<ConnectOperation> connect(Address address, StopToken stop = {},
                                             ConnectOptions options = {}) {
    return OperationAwaiter<ConnectOperation>(stop, *this, std::move(address), options);
  }
  OperationAwaiter<SleepOperation> sleep_until(TimePoint deadline, StopToken stop = {}) {
    return OperationAwaiter<SleepOperation>(stop, *this, deadline);
  }
  OperationAwaiter<SleepOperation> sleep_for(Duration time, StopToken stop = {}) {
    return sleep_until(now() + time, stop);
  }
  OperationAwaiter<ReadyOperation> wait_ready(int fd, bool for_write, StopToken stop = {}) {
    return OperationAwaiter<ReadyOperation>(stop, *this, fd, for_write);
  }
  /// Lets everything else that is runnable run first.
  OperationAwaiter<SleepOperation> yield() { return sleep_until(TimePoint::min()); }

  /// Starts accepting on a socket of the Network; the socket stays open when the Listener goes.
  virtual Result<std::unique_ptr<Listener>> listen(int socket) = 0;
  /// Makes a stream of a connected socket's number (see Stream::detach).
  virtual Result<std::unique_ptr<Stream>> adopt(int socket) = 0;
  /// Receives datagrams on a bound socket of the Network. `receiver` outlives it.
  virtual Result<std::unique_ptr<DatagramSocket>> receive_datagrams(int socket,
                                                                    DatagramReceiver& receiver) = 0;
  /// Makes a socket that exchanges datagrams with `to` alone. `receiver` outlives it.
  virtual Result<std::unique_ptr<DatagramSocket>> connect_datagrams(const Address& to,
                                                                    DatagramReceiver& receiver) = 0;
  virtual bool start_connect(ConnectOperation& operation) = 0;
  virtual bool start_ready(ReadyOperation& operation) = 0;

  /// Runs `work` on this loop soon. Thread safe; the order of one caller is kept.
  virtual void post(std::function<void()> work) = 0;

  /// Queues an operation whose result is set; it completes before the loop waits again.
  void complete_soon(Operation& operation) { ready_.append(operation); }

  /// Runs until `stop`. The simulation drives its loops itself.
  virtual void run() = 0;
  virtual void stop() = 0;

  /// "epoll", "io_uring" or "sim".
  virtual std::string_view engine() const = 0;

  /// How long the longest recent turn took, for the loop-lag metric; decays. Any thread.
  Duration lag() const { return Duration(lag_.load(std::memory_order_relaxed)); }

  void cancel(Operation& operation, const Error& why) override;

  /// A budget of synchronous completions, so that one connection whose peer is fast cannot keep
  /// the loop: false when it is used up, until the loop has looked at everything else.
  bool spend() { return budget_ > 0 && budget_-- > 0; }

 protected:
  Loop(unsigned index, std::uint64_t seed);
  bool run_ready();
  void refill() { budget_ = kBudget; }
  /// A turn took so long.
  void note_lag(Duration turn) {
    Duration decayed = lag() - lag() / 64;
    lag_.store(std::max(decayed, turn).count(), std::memory_order_relaxed);
  }

  static constexpr int kBudget = 64;
  TimePoint now_{};
  std::int64_t wall_now_ = 0;
  Link ready_;
  int budget_ = kBudget;
  TimerWheel timers_;
  Random random_;
  std::unique_ptr<BufferPool> buffers_;
  std::unique_ptr<PipePool> pipes_;
  std::unique_ptr<Slots> slots_;

 private:
  std::atomic<Duration::rep> lag_{0};
  unsigned index_;
};

inline bool ConnectOperation::start() { return loop.start_connect(*this); }
inline bool AcceptOperation::start() { return listener.start_accept(*this); }
inline bool ReadyOperation::start() { return loop.start_ready(*this); }

}  // namespace weir

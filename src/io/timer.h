// Timers in a hierarchical wheel: no system call and no allocation per timer.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "core/list.h"

namespace weir {

/// Monotonic time in nanoseconds, as the loop says it; virtual in simulation.
using Duration = std::chrono::nanoseconds;
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using TimePoint = MonotonicClock::time_point;

class TimerWheel;

/// Runs its function once when due, from the loop. A subclass finds itself by static_cast.
/// Disarms itself when destroyed.
class Timer : public Link {
 public:
  using Function = void (*)(Timer&);
  explicit Timer(Function function) : function_(function) {}

  bool armed() const { return linked(); }
  TimePoint deadline() const { return deadline_; }

 private:
  friend class TimerWheel;
  Function function_;
  TimePoint deadline_{};
};

/// Six levels of 64 slots, 1 ms at the finest. A timer fires at its deadline or up to 1 ms
/// later. Moving a deadline further away is two stores: the timer stays where it is and is
/// sorted again when its old slot comes up.
class TimerWheel {
 public:
  /// Sets (or moves) the deadline.
  void arm(Timer& timer, TimePoint deadline);
  void disarm(Timer& timer) { timer.unlink(); }

  /// When something may be due at the earliest; TimePoint::max() if nothing is armed.
  TimePoint next() const;
  /// Runs what is due at `now`.
  void advance(TimePoint now);

 private:
  static constexpr int kLevels = 6;
  static constexpr int kSlots = 64;

  void insert(Timer& timer);
  void run_slot(int level, int slot);

  std::array<std::array<Link, kSlots>, kLevels> slots_;
  mutable std::array<std::uint64_t, kLevels> occupied_{};  // may name slots that became empty
  std::uint64_t tick_ = 0;                                 // the last tick that has been run
};

}  // namespace weir

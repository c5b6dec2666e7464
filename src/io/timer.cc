#include "io/timer.h"

#include <algorithm>
#include <bit>

namespace weir {
namespace {

constexpr std::uint64_t kTickNanoseconds = 1'000'000;
constexpr int kBits = 6;

// Rounded up, so that a timer never fires early.
std::uint64_t tick_of(TimePoint time) {
  auto count = time.time_since_epoch().count();
  if (count <= 0) return 0;
  return (static_cast<std::uint64_t>(count) + kTickNanoseconds - 1) / kTickNanoseconds;
}

TimePoint time_of(std::uint64_t tick) {
  return TimePoint(Duration(static_cast<Duration::rep>(tick * kTickNanoseconds)));
}

}  // namespace

void TimerWheel::arm(Timer& timer, TimePoint deadline) {
  if (timer.linked() && deadline >= timer.deadline_) {
    timer.deadline_ = deadline;
    return;
  }
  timer.unlink();
  timer.deadline_ = deadline;
  insert(timer);
}

void TimerWheel::insert(Timer& timer) {
  std::uint64_t tick = tick_of(timer.deadline_);
  if (tick <= tick_) tick = tick_ + 1;
  // The level is given by the highest bit in which the tick differs from now.
  int highest = 63 - std::countl_zero((tick ^ tick_) | 1);
  int level = highest / kBits;
  if (level >= kLevels) {  // across a turn of the wheel (2.2 years), or too far to place
    level = kLevels - 1;
    tick = std::min(tick, tick_ + (std::uint64_t{kSlots - 1} << (kBits * level)));
  }
  int slot = static_cast<int>((tick >> (kBits * level)) & (kSlots - 1));
  slots_[level][slot].append(timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

TimePoint TimerWheel::next() const {
  for (int level = 0; level < kLevels; ++level) {
    int current = static_cast<int>((tick_ >> (kBits * level)) & (kSlots - 1));
    while (occupied_[level] != 0) {
      int distance = std::countr_zero(std::rotr(occupied_[level], current));
      int slot = (current + distance) & (kSlots - 1);
      if (!slots_[level][slot].linked()) {
        occupied_[level] &= ~(std::uint64_t{1} << slot);
        continue;
      }
      std::uint64_t base = tick_ >> (kBits * level) << (kBits * level);
      std::uint64_t tick = base + (static_cast<std::uint64_t>(distance) << (kBits * level));
      return time_of(tick > tick_ ? tick : tick_ + 1);
    }
  }
  return TimePoint::max();
}

void TimerWheel::advance(TimePoint now) {
  auto target = static_cast<std::uint64_t>(now.time_since_epoch().count()) / kTickNanoseconds;
  while (tick_ < target) {
    TimePoint due = next();
    std::uint64_t tick = due == TimePoint::max() ? target : tick_of(due);
    if (tick > target) {
      tick_ = target;
      return;
    }
    std::uint64_t before = tick_;
    tick_ = tick;
    if (due == TimePoint::max()) return;
    // Slots of coarser levels whose turn has come are sorted into finer ones first.
    for (int level = kLevels - 1; level >= 0; --level) {
      if ((before >> (kBits * level)) == (tick >> (kBits * level))) continue;
      run_slot(level, static_cast<int>((tick >> (kBits * level)) & (kSlots - 1)));
    }
  }
}

void TimerWheel::run_slot(int level, int slot) {
  Link due;
  slots_[level][slot].move_all(due);
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  while (due.linked()) {
    auto& timer = static_cast<Timer&>(*due.next());
    timer.unlink();
    if (tick_of(timer.deadline_) > tick_) {
      insert(timer);
    } else {
      timer.function_(timer);
    }
  }
}

}  // namespace weir

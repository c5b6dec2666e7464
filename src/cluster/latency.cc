#include "cluster/latency.h"

#include <limits>

namespace weir {
namespace {

constexpr std::uint64_t kHalfLifeMs = Latency::kHalfLife / std::chrono::milliseconds(1);

std::uint32_t milliseconds(TimePoint time) {
  return static_cast<std::uint32_t>(time.time_since_epoch() / std::chrono::milliseconds(1));
}

std::uint32_t microseconds(Duration time) {
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(time / std::chrono::microseconds(1), 1, kMost));
}

// Halves by shifting, and falls in a straight line between: at most 6 % off the curve. Clocks of
// workers differ by moments: a time that seems to lie ahead is now.
std::uint32_t decayed(std::uint64_t word, std::uint32_t now) {
  std::uint64_t value = word >> 32;
  auto age = static_cast<std::int32_t>(now - static_cast<std::uint32_t>(word));
  if (value == 0 || age <= 0) return static_cast<std::uint32_t>(value);
  std::uint64_t halvings = static_cast<std::uint64_t>(age) / kHalfLifeMs;
  if (halvings >= 32) return 0;
  value >>= halvings;
  std::uint64_t rest = static_cast<std::uint64_t>(age) % kHalfLifeMs;
  return static_cast<std::uint32_t>(value - value * rest / (2 * kHalfLifeMs));
}

std::uint64_t pack(std::uint32_t value, std::uint32_t time) {
  return std::uint64_t{value} << 32 | time;
}

}  // namespace

void Latency::answered(Duration took, TimePoint now) {
  std::uint32_t time = milliseconds(now);
  std::uint32_t sample = microseconds(took);
  std::uint32_t value = decayed(word_.load(std::memory_order_relaxed), time);
  // An eighth of the way down; decay by time alone would leave a busy endpoint its peak too long.
  if (value > sample) value -= std::max((value - sample) / 8, 1u);
  word_.store(pack(std::max(value, sample), time), std::memory_order_relaxed);
}

void Latency::abandoned(Duration took, TimePoint now) {
  std::uint32_t time = milliseconds(now);
  std::uint32_t sample = microseconds(took);
  if (sample <= decayed(word_.load(std::memory_order_relaxed), time)) return;
  word_.store(pack(sample, time), std::memory_order_relaxed);
}

std::uint32_t Latency::value(TimePoint now) const {
  return decayed(word_.load(std::memory_order_relaxed), milliseconds(now));
}

}  // namespace weir

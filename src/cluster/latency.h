// Latency: how long an endpoint lately took to answer, as all workers saw it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "io/timer.h"

namespace weir {

/// Rises to a peak at once and falls slowly: towards each later answer, and by itself, to half in
/// kHalfLife, so that an endpoint that was slow is tried again. One word, relaxed; of two workers
/// that report in the same instant one may be overheard.
class Latency {
 public:
  static constexpr Duration kHalfLife = std::chrono::seconds(7);
  /// What an attempt counts that failed sooner.
  static constexpr Duration kFailure = std::chrono::seconds(1);

  void answered(Duration took, TimePoint now);
  void failed(Duration took, TimePoint now) { answered(std::max(took, kFailure), now); }
  /// Nobody waited for the end: it would have taken as long or longer.
  void abandoned(Duration took, TimePoint now);

  /// In microseconds; 0: nothing is known, or not any more.
  std::uint32_t value(TimePoint now) const;

 private:
  std::atomic<std::uint64_t> word_{0};  // microseconds above, milliseconds of the clock below
};

}  // namespace weir

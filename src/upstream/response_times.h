// ResponseTimes: how long recent responses of a cluster took, as one worker has seen them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/histogram.h"
#include "io/timer.h"

namespace weir {

/// Counts fade by halves as new ones come, so that it speaks of about the last thousand or two.
class ResponseTimes {
 public:
  static constexpr std::uint32_t kLeast = 100;  // before it says anything

  void record(Duration time);
  /// The time within which so many percent came, to within a quarter of itself.
  std::optional<Duration> percentile(double percent) const;

 private:
  static constexpr std::uint32_t kMost = 2048;

  std::array<std::uint16_t, HistogramBuckets::kCount> counts_{};
  std::uint32_t total_ = 0;
};

}  // namespace weir

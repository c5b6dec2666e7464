// RollingRate: how many of the latest attempts failed, as all workers count them.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "io/timer.h"

namespace weir {

/// A window of ten slices, each in one word; relaxed. The oldest slice goes as a whole, so what is
/// looked at spans nine to ten tenths of the window.
class RollingRate {
 public:
  struct Count {
    std::uint64_t all = 0;
    std::uint64_t failed = 0;
  };

  void add(bool failed, TimePoint now, Duration window);
  Count count(TimePoint now, Duration window) const;
  void clear();

 private:
  static constexpr std::int64_t kSlices = 10;

  // 16 bits of the slice's number, 24 of all attempts, 24 of those that failed.
  std::array<std::atomic<std::uint64_t>, kSlices> slices_{};
};

}  // namespace weir

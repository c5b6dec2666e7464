// Histogram: how long things took, in buckets that grow with the time; written by one worker, read
// by any thread.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "core/counter.h"

namespace weir {

/// The buckets: whole microseconds up to 4, then four to each power of two up to 2^26 us (67 s),
/// and one for what took longer. A time lies in the bucket whose bound is the first that is not
/// below it, so that a value is known to within a quarter of itself.
struct HistogramBuckets {
  static constexpr unsigned kTopBit = 26;
  static constexpr std::size_t kCount = 4 * (kTopBit - 1) + 1;

  static constexpr std::size_t of(std::chrono::nanoseconds time) {
    std::int64_t nanoseconds = time.count();
    if (nanoseconds <= 0) return 0;
    auto value = static_cast<std::uint64_t>(nanoseconds - 1) / 1000;  // bounds are inclusive
    if (value < 4) return value;
    auto top = static_cast<unsigned>(std::bit_width(value)) - 1;
    if (top >= kTopBit) return kCount - 1;
    return 4 * (top - 1) + ((value >> (top - 2)) & 3);
  }

  /// The longest time in a bucket, in microseconds; the last bucket has none.
  static constexpr std::uint64_t bound(std::size_t bucket) {
    if (bucket < 4) return bucket + 1;
    return (std::uint64_t{bucket % 4} + 5) << (bucket / 4 - 1);
  }
};

/// 816 bytes: made when there is a first value to record, not before.
class Histogram {
 public:
  /// Times below zero count as zero.
  void record(std::chrono::nanoseconds time) {
    counts_[HistogramBuckets::of(time)].add();
    if (time.count() > 0) nanoseconds_.add(static_cast<std::uint64_t>(time.count()));
  }

 private:
  friend struct HistogramTotals;
  std::array<Counter, HistogramBuckets::kCount> counts_;
  Counter nanoseconds_;  // the sum of all times
};

/// What several histograms have recorded.
struct HistogramTotals {
  std::array<std::uint64_t, HistogramBuckets::kCount> counts{};
  std::uint64_t nanoseconds = 0;

  /// Any thread; a value that is being recorded may be in the count and not yet in the sum.
  void add(const Histogram& histogram);
  void add(const HistogramTotals& other);

  std::uint64_t count() const;
  /// How many took `microseconds` at most; exact if that is the bound of a bucket.
  std::uint64_t count_up_to(std::uint64_t microseconds) const;
};

}  // namespace weir

#include "core/histogram.h"

#include <numeric>

namespace weir {

void HistogramTotals::add(const Histogram& histogram) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += histogram.counts_[i].value();
  nanoseconds += histogram.nanoseconds_.value();
}

void HistogramTotals::add(const HistogramTotals& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  nanoseconds += other.nanoseconds;
}

std::uint64_t HistogramTotals::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t HistogramTotals::count_up_to(std::uint64_t microseconds) const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i + 1 < counts.size(); ++i) {
    if (HistogramBuckets::bound(i) > microseconds) break;
    total += counts[i];
  }
  return total;
}

}  // namespace weir

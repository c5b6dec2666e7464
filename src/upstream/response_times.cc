#include "upstream/response_times.h"

namespace weir {

void ResponseTimes::record(Duration time) {
  ++counts_[HistogramBuckets::of(time)];
  if (++total_ < kMost) return;
  total_ = 0;
  for (std::uint16_t& count : counts_) total_ += count /= 2;
}

std::optional<Duration> ResponseTimes::percentile(double percent) const {
  if (total_ < kLeast) return std::nullopt;
  double wanted = percent / 100 * total_;
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::chrono::microseconds(HistogramBuckets::bound(i));
  }
  return std::nullopt;
}

}  // namespace weir

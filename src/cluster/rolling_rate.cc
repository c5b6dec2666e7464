#include "cluster/rolling_rate.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::uint64_t kMost = 0xffffff;  // that a slice can count; then it stands still

std::int64_t slice_of(TimePoint now, Duration window, std::int64_t slices) {
  return now.time_since_epoch() / std::max(window / slices, Duration(1));
}
std::uint64_t tag_of(std::int64_t slice) {
  // Never 0, which is a slice that was never used.
  return (static_cast<std::uint64_t>(slice) % 0xffff + 1) << 48;
}
std::uint64_t all_of(std::uint64_t word) { return word >> 24 & kMost; }
std::uint64_t failed_of(std::uint64_t word) { return word & kMost; }

}  // namespace

void RollingRate::add(bool failed, TimePoint now, Duration window) {
  std::int64_t slice = slice_of(now, window, kSlices);
  std::atomic<std::uint64_t>& word = slices_[static_cast<std::size_t>(slice % kSlices)];
  std::uint64_t before = word.load(std::memory_order_relaxed);
  std::uint64_t after = 0;
  do {
    std::uint64_t current = before >> 48 << 48 == tag_of(slice) ? before : tag_of(slice);
    if (all_of(current) == kMost) return;
    after = current + (1 << 24) + (failed ? 1 : 0);
  } while (!word.compare_exchange_weak(before, after, std::memory_order_relaxed));
}

RollingRate::Count RollingRate::count(TimePoint now, Duration window) const {
  std::int64_t latest = slice_of(now, window, kSlices);
  Count sum;
  for (std::int64_t slice = std::max<std::int64_t>(0, latest - kSlices + 1); slice <= latest;
       ++slice) {
    std::uint64_t word =
        slices_[static_cast<std::size_t>(slice % kSlices)].load(std::memory_order_relaxed);
    if (word >> 48 << 48 != tag_of(slice)) continue;
    sum.all += all_of(word);
    sum.failed += failed_of(word);
  }
  return sum;
}

void RollingRate::clear() {
  for (auto& each : slices_) each.store(0, std::memory_order_relaxed);
}

}  // namespace weir

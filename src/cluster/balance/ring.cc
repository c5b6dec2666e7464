#include "cluster/balance/ring.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/hash.h"

namespace weir {

Ring::Ring(const EndpointGroup& group, double max_load) : bound_(max_load, group) {
  place(group);
  sort();
}

void Ring::place(const EndpointGroup& group) {
  std::uint64_t unit = std::bit_ceil(std::ranges::max(group.weights));
  std::uint64_t points = kPoints;
  while (points > 1 && points * group.size() > kMostPoints) points /= 2;
  for (std::uint32_t i = 0; i < group.size(); ++i) {
    std::uint64_t own = std::max<std::uint64_t>(group.weights[i] * points / unit, 1);
    std::uint64_t seed = stable_hash(group.endpoints[i]->text);
    for (std::uint64_t point = 0; point < own; ++point) {
      points_.push_back({mix(seed + point * 0x9e3779b97f4a7c15), i});
    }
  }
}

// Places are evenly spread, so sorting them into as many arcs leaves one or two in each.
void Ring::sort() {
  int bits = std::max(static_cast<int>(std::bit_width(points_.size())) - 1, 1);
  shift_ = 64 - bits;
  starts_.assign((std::size_t{1} << bits) + 1, 0);
  for (const Point& point : points_) ++starts_[(point.place >> shift_) + 1];
  std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  std::vector<Point> sorted(points_.size());
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  for (const Point& point : points_) sorted[next[point.place >> shift_]++] = point;
  for (std::size_t arc = 0; arc + 1 < starts_.size(); ++arc) {
    std::sort(sorted.begin() + starts_[arc], sorted.begin() + starts_[arc + 1],
              [](const Point& a, const Point& b) { return a.place < b.place; });
  }
  points_ = std::move(sorted);
}

/// The first point at or behind the place of `hash`, around the circle.
std::size_t Ring::find(std::uint64_t hash) const {
  std::size_t at = starts_[hash >> shift_];
  while (at < points_.size() && points_[at].place < hash) ++at;
  return at < points_.size() ? at : 0;
}

std::optional<std::uint32_t> Ring::pick(const EndpointGroup& group, PickFacts& facts) const {
  std::size_t at = find(hash_or_random(facts));
  return walk(group, facts, bound_, [&] {
    std::uint32_t endpoint = points_[at].endpoint;
    if (++at == points_.size()) at = 0;
    return endpoint;
  });
}

}  // namespace weir

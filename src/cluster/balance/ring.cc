#include "cluster/balance/ring.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/hash.h"

namespace weir {
namespace {

constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

struct Point {
  std::uint64_t place = 0;
  std::uint32_t owner = kNobody;
};

/// The first point of each arc that has one.
std::vector<Point> first_points(const EndpointGroup& group) {
  std::vector<Point> firsts(Ring::kArcs);
  std::uint64_t unit = std::bit_ceil(std::ranges::max(group.weights));
  std::uint64_t points = Ring::kPoints;
  while (points > 1 && points * group.size() > Ring::kMostPoints) points /= 2;
  for (std::uint32_t i = 0; i < group.size(); ++i) {
    std::uint64_t own = std::max<std::uint64_t>(group.weights[i] * points / unit, 1);
    std::uint64_t seed = stable_hash(group.endpoints[i]->text);
    for (std::uint64_t point = 0; point < own; ++point) {
      std::uint64_t place = mix(seed + point * 0x9e3779b97f4a7c15);
      Point& first = firsts[place >> (64 - Ring::kArcBits)];
      if (first.owner == kNobody || place < first.place) first = {place, i};
    }
  }
  return firsts;
}

}  // namespace

Ring::Ring(const EndpointGroup& group, double max_load) : bound_(max_load, group), starts_(kArcs) {
  std::vector<Point> firsts = first_points(group);
  for (std::uint32_t arc = 0; arc < kArcs; ++arc) {
    starts_[arc] = static_cast<std::uint32_t>(owners_.size());
    if (firsts[arc].owner != kNobody) owners_.push_back(firsts[arc].owner);
  }
  owners_.shrink_to_fit();
  auto end = static_cast<std::uint32_t>(owners_.size());
  std::ranges::replace(starts_, end, 0u);  // behind the last point comes the first
}

std::optional<std::uint32_t> Ring::pick(const EndpointGroup& group, PickFacts& facts) const {
  std::size_t at = starts_[hash_or_random(facts) >> (64 - kArcBits)];
  return walk(group, facts, bound_, [&] {
    std::uint32_t owner = owners_[at];
    if (++at == owners_.size()) at = 0;
    return owner;
  });
}

}  // namespace weir

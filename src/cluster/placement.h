// Where an endpoint stands among those of its cluster: its level, its zone, its labels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// Names and values, sorted; no name twice.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Whether `labels` have all that is `wanted`.
inline bool have(const Labels& labels, const Labels& wanted) {
  return std::ranges::includes(labels, wanted);
}

struct Placement {
  std::uint32_t priority = 0;  // the level: 0 is used first
  std::string zone;            // empty: not known
  Labels labels;

  bool operator==(const Placement&) const = default;

  /// Not in `own_zone`; with no such zone nothing is far.
  bool far_from(std::string_view own_zone) const { return !own_zone.empty() && zone != own_zone; }
};

/// Endpoints of a cluster that have certain labels, as a configuration asks for them.
struct Subset {
  Labels labels;
  std::size_t number = 0;  // its place in every EndpointSet of the cluster
};

}  // namespace weir

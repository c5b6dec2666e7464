#include "cluster/group_load.h"

#include <algorithm>

namespace weir {
namespace {

double health_of(const GroupHealth& group) {
  if (group.weight == 0) return 0;
  return static_cast<double>(group.available) / static_cast<double>(group.weight);
}

double capacity_of(const GroupHealth& group) {
  return std::min(1.0, health_of(group) * kOverprovisioning);
}

}  // namespace

std::vector<GroupLoad> loads_of(std::span<const GroupHealth> groups, double panic_below) {
  std::vector<GroupLoad> loads(groups.size());
  double all = 0;
  for (const GroupHealth& group : groups) all += capacity_of(group);
  double left = 1;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    double capacity = capacity_of(groups[i]);
    if (all == 0) capacity = groups[i].weight > 0 ? 1 : 0;
    loads[i].share = all > 0 && all < 1 ? capacity / all : std::min(capacity, left);
    left -= loads[i].share;
    loads[i].panics = all == 0 || (all < 1 && health_of(groups[i]) < panic_below);
  }
  return loads;
}

}  // namespace weir

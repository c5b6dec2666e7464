// How the groups of a cluster's endpoints share its requests: each by what it can take, in order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace weir {

/// The weights of a group's endpoints.
struct GroupHealth {
  std::uint64_t weight = 0;     // of all
  std::uint64_t available = 0;  // of those that are available
};

struct GroupLoad {
  double share = 0;     // of the requests; all shares are 1 together
  bool panics = false;  // too few are available: all are to be taken for it
};

/// So much more than its part of the load an available endpoint can take. With it a group carries
/// on alone until a little more than a quarter of it is lost.
inline constexpr double kOverprovisioning = 1.4;

/// Each group takes as much as it can, the next what is left. When all together cannot take
/// everything, they share it in proportion to what they can, and those of which less than
/// `panic_below` (0 to 1) is available panic. When nothing is available, all panic, and the first
/// that has endpoints takes everything.
std::vector<GroupLoad> loads_of(std::span<const GroupHealth> groups, double panic_below);

}  // namespace weir

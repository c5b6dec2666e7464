// Round robin: one after the other, by weight.
#pragma once

#include "cluster/balancer.h"

namespace weir {

/// Each worker walks the rotation by itself, from a random start: O(1).
class RoundRobin final : public Balancer {
 public:
  std::optional<std::uint32_t> pick(const EndpointSet& set, PickFacts facts) const override;
};

}  // namespace weir

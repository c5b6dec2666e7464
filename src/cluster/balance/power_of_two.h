// Power of two choices: of two random endpoints the one with fewer exchanges under way.
#pragma once

#include "cluster/balancer.h"
#include "cluster/weighted_draw.h"

namespace weir {

/// Draws by weight and compares exchanges per weight; a tie goes to the first drawn, so that
/// idle endpoints are used by their weights.
class PowerOfTwo final : public Balancer {
 public:
  explicit PowerOfTwo(const EndpointGroup& group) : draw_(group.weights) {}
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override;

 private:
  WeightedDraw draw_;
};

}  // namespace weir

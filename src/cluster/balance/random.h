// Random: any endpoint, with the chance of its weight.
#pragma once

#include "cluster/balancer.h"
#include "cluster/weighted_draw.h"

namespace weir {

class RandomChoice final : public Balancer {
 public:
  explicit RandomChoice(const EndpointGroup& group) : draw_(group.weights) {}
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override {
    return draw_.pick(group, facts);
  }

 private:
  WeightedDraw draw_;
};

}  // namespace weir

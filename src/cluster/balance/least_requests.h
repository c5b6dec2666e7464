// Least requests: the endpoint with the fewest exchanges under way for its weight.
#pragma once

#include "cluster/balancer.h"
#include "cluster/weighted_draw.h"

namespace weir {

/// Looks at every endpoint up to 32 and at 9 random ones beyond, so that the cost does not grow
/// with the cluster. A tie goes to one that is drawn by weight, else to the first seen from a
/// moving start: so idle endpoints are used by their weights, and none starves.
class LeastRequests final : public Balancer {
 public:
  explicit LeastRequests(const EndpointGroup& group) : draw_(group.weights) {}
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override;

 private:
  WeightedDraw draw_;
};

}  // namespace weir

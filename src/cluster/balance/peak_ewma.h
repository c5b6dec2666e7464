// Peak EWMA: of two random endpoints the one that promises the sooner answer.
#pragma once

#include "cluster/balancer.h"
#include "cluster/weighted_draw.h"

namespace weir {

/// An endpoint's cost is its latency, times the exchanges that it would have, by weight. One of
/// which nothing is known is tried at once, with one exchange; until that is answered it counts as
/// slow.
class PeakEwma final : public Balancer {
 public:
  explicit PeakEwma(const EndpointGroup& group) : draw_(group.weights) {}
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override;

 private:
  static double cost(const EndpointGroup& group, const PickFacts& facts, std::uint32_t index);

  WeightedDraw draw_;
};

}  // namespace weir

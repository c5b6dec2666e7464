// Round robin: one after the other, by weight.
#pragma once

#include <vector>

#include "cluster/balancer.h"
#include "cluster/weighted_draw.h"

namespace weir {

/// Each worker walks by itself, from a random start: O(1). Different weights follow the order of
/// smooth weighted round robin where its period is short; else even steps through all weights,
/// which keep every endpoint within a few picks of its share as well.
class RoundRobin final : public Balancer {
 public:
  explicit RoundRobin(const EndpointGroup& group);
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override;

 private:
  std::vector<std::uint32_t> rotation_;  // one period; empty if there is none
  WeightedDraw draw_;
  bool equal_;
};

}  // namespace weir

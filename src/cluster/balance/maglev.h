// Maglev: consistent hashing by a table in which every endpoint has its share of the places.
#pragma once

#include <vector>

#include "cluster/balancer.h"
#include "cluster/bounded_walk.h"

namespace weir {

/// The table of "Maglev: A Fast and Reliable Software Network Load Balancer" (Eisenbud et al.
/// 2016, 3.4), with weights: 65 537 places up to 1 000 endpoints, ten and a hundred times as many
/// beyond 1 000 and 10 000. Shares are exact to a place; when an endpoint comes or goes, about one
/// key in a hundred moves beside those that must. A lookup is one load.
class Maglev final : public Balancer {
 public:
  Maglev(const EndpointGroup& group, double max_load);
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override;

 private:
  LoadBound bound_;
  std::vector<std::uint32_t> table_;
};

}  // namespace weir

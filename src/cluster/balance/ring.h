// Ring: consistent hashing. Endpoints own points of a circle, a key belongs to the next point.
#pragma once

#include <vector>

#include "cluster/balancer.h"
#include "cluster/bounded_walk.h"

namespace weir {

/// The endpoint with the largest weight, rounded up to a power of two, has kPoints points and the
/// others in proportion, at places that depend on their addresses alone: so when one comes or goes,
/// only its own keys move. Beyond kMostPoints / kPoints endpoints each has half as many, and so on.
/// The circle has kArcs equal arcs, and the keys of an arc all belong to the first point at or
/// behind its beginning: a lookup is two loads, and the size does not grow with the endpoints.
class Ring final : public Balancer {
 public:
  static constexpr std::uint32_t kPoints = 1024;
  static constexpr std::uint32_t kMostPoints = 1 << 20;
  static constexpr int kArcBits = 18;
  static constexpr std::uint32_t kArcs = 1 << kArcBits;

  Ring(const EndpointGroup& group, double max_load);
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override;

 private:
  LoadBound bound_;
  std::vector<std::uint32_t> owners_;  // of the points that come first in an arc, in their order
  std::vector<std::uint32_t> starts_;  // the index in owners_ where each arc begins
};

}  // namespace weir

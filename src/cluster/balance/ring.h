// Ring: consistent hashing. Endpoints own points of a circle, a key belongs to the next point.
#pragma once

#include <vector>

#include "cluster/balancer.h"
#include "cluster/bounded_walk.h"

namespace weir {

/// The endpoint with the largest weight, rounded up to a power of two, has kPoints points and the
/// others in proportion, at places that depend on their addresses alone: so when one comes or goes,
/// only its own keys move. Beyond kMostPoints / kPoints endpoints each has half as many, and so on.
/// A lookup is O(1): the upper bits of a hash say where among the sorted points to begin.
class Ring final : public Balancer {
 public:
  static constexpr std::uint32_t kPoints = 1024;
  static constexpr std::uint32_t kMostPoints = 1 << 20;

  Ring(const EndpointGroup& group, double max_load);
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const override;

 private:
  struct Point {
    std::uint64_t place;
    std::uint32_t endpoint;
  };

  void place(const EndpointGroup& group);
  void sort();
  std::size_t find(std::uint64_t hash) const;

  LoadBound bound_;
  std::vector<Point> points_;          // by place
  std::vector<std::uint32_t> starts_;  // the first point of each arc; one more at the end
  int shift_ = 0;                      // from a hash to its arc
};

}  // namespace weir

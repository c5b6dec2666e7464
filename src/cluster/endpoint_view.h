// EndpointView: one worker's view of a cluster's endpoints, and its place in their rotation.
#pragma once

#include <cstdint>
#include <memory>

#include "cluster/cluster.h"
#include "io/loop.h"

namespace weir {

class EndpointView {
 public:
  /// The worker's own, made on first use.
  static EndpointView& of(Loop& loop, const Cluster& cluster);

  explicit EndpointView(std::uint64_t cursor) : cursor_(cursor) {}

  /// The current endpoints; follows the cluster's changes.
  const std::shared_ptr<const EndpointSet>& endpoints(const Cluster& cluster);
  std::uint64_t& cursor() { return cursor_; }

 private:
  std::shared_ptr<const EndpointSet> set_;
  std::uint64_t cursor_;
};

}  // namespace weir

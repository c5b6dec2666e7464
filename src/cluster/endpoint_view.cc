#include "cluster/endpoint_view.h"

namespace weir {

// Workers begin in different places of the rotation.
EndpointView& EndpointView::of(Loop& loop, const Cluster& cluster) {
  return loop.slots().get<EndpointView>(
      cluster.view_key(), [&] { return std::make_unique<EndpointView>(loop.random().next()); });
}

const std::shared_ptr<const EndpointSet>& EndpointView::endpoints(const Cluster& cluster) {
  if (!set_ || set_->version != cluster.version()) set_ = cluster.endpoints();
  return set_;
}

}  // namespace weir

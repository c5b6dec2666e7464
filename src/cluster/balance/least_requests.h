// Least requests: the endpoint with the fewest exchanges under way for its weight.
#pragma once

#include "cluster/balancer.h"

namespace weir {

/// Looks at every endpoint up to 32 and at 16 random ones beyond, so that the cost does not grow
/// with the cluster. Ties go to the first one seen from a moving start.
class LeastRequests final : public Balancer {
 public:
  std::optional<std::uint32_t> pick(const EndpointSet& set, PickFacts facts) const override;
};

}  // namespace weir

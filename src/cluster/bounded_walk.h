// The walk of consistent hashing: from the place of a key onwards to an endpoint that can be had.
#pragma once

#include <numeric>
#include <optional>

#include "cluster/balancer.h"

namespace weir {

/// What a `max_load` allows: no endpoint has more than that many times its share, by weight, of
/// the exchanges under way, rounded up (consistent hashing with bounded loads; Mirrokni, Thorup,
/// Zadimoghaddam 2018).
class LoadBound {
 public:
  /// `max_load` of 0: there is no bound.
  LoadBound(double max_load, const EndpointGroup& group)
      : per_weight_(max_load / static_cast<double>(std::accumulate(
                                   group.weights.begin(), group.weights.end(), std::uint64_t{0}))) {
  }

  bool allows(const EndpointGroup& group, const PickFacts& facts, std::uint32_t index) const {
    if (per_weight_ == 0) return true;
    return group.in_flight(index) < per_weight_ * group.weights[index] * (facts.in_flight + 1.0);
  }

 private:
  double per_weight_;
};

/// The first endpoint that `next()` names which is not excluded and within its bound; if none is
/// soon, the first that is not excluded. `next` names endpoints in the order of the key.
template <class Next>
std::optional<std::uint32_t> walk(const EndpointGroup& group, const PickFacts& facts,
                                  const LoadBound& bound, Next next) {
  constexpr int kMostSteps = 256;
  std::optional<std::uint32_t> spare;
  for (int step = 0; step < kMostSteps; ++step) {
    std::uint32_t index = next();
    if (group.excludes(facts, index)) continue;
    if (bound.allows(group, facts, index)) return index;
    if (!spare) spare = index;
  }
  return spare ? spare : group.any(facts, 0);
}

/// The hash of the request's key. A request without one is spread at random.
inline std::uint64_t hash_or_random(PickFacts& facts) {
  return facts.hash ? *facts.hash : facts.random.next();
}

}  // namespace weir

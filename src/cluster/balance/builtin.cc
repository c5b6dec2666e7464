#include "cluster/balance/least_requests.h"
#include "cluster/balance/maglev.h"
#include "cluster/balance/peak_ewma.h"
#include "cluster/balance/power_of_two.h"
#include "cluster/balance/random.h"
#include "cluster/balance/ring.h"
#include "cluster/balance/round_robin.h"

namespace weir {

std::unique_ptr<const Balancer> make_balancer(const BalancePolicy& policy,
                                              const EndpointGroup& group) {
  switch (policy.algorithm) {
    case Balance::round_robin: break;
    case Balance::least_requests: return std::make_unique<LeastRequests>(group);
    case Balance::random: return std::make_unique<RandomChoice>(group);
    case Balance::power_of_two: return std::make_unique<PowerOfTwo>(group);
    case Balance::peak_ewma: return std::make_unique<PeakEwma>(group);
    case Balance::ring: return std::make_unique<Ring>(group, policy.max_load);
    case Balance::maglev: return std::make_unique<Maglev>(group, policy.max_load);
  }
  return std::make_unique<RoundRobin>(group);
}

}  // namespace weir

#include "cluster/balance/least_requests.h"
#include "cluster/balance/round_robin.h"

namespace weir {

const Balancer& balancer_for(Balance algorithm) {
  static const RoundRobin round_robin;
  static const LeastRequests least_requests;
  switch (algorithm) {
    case Balance::round_robin: return round_robin;
    case Balance::least_requests: return least_requests;
  }
  return round_robin;
}

}  // namespace weir

#include "cluster/balance/peak_ewma.h"

namespace weir {

std::optional<std::uint32_t> PeakEwma::pick(const EndpointGroup& group, PickFacts& facts) const {
  std::optional<std::uint32_t> one = draw_.pick(group, facts);
  if (!one || group.size() == 1) return one;
  std::optional<std::uint32_t> other = draw_.pick(group, facts, one);
  if (!other) return one;
  return cost(group, facts, *other) < cost(group, facts, *one) ? other : one;
}

double PeakEwma::cost(const EndpointGroup& group, const PickFacts& facts, std::uint32_t index) {
  constexpr double kUnknown = Latency::kFailure / std::chrono::microseconds(1);
  double exchanges = group.in_flight(index);
  double latency = group.endpoints[index]->latency.value(facts.now);
  if (latency == 0) return exchanges * kUnknown / group.weight(facts, index);
  return latency * (exchanges + 1) / group.weight(facts, index);
}

}  // namespace weir

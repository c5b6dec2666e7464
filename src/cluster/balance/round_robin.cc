#include "cluster/balance/round_robin.h"

namespace weir {

std::optional<std::uint32_t> RoundRobin::pick(const EndpointSet& set, PickFacts facts) const {
  std::size_t period = set.rotation.size();
  for (std::size_t tries = 0; tries < period; ++tries) {
    std::uint32_t index = set.rotation[facts.cursor++ % period];
    if (!is_excluded(facts, index)) return index;
  }
  return std::nullopt;
}

}  // namespace weir

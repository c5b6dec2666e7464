#include "cluster/balance/power_of_two.h"

namespace weir {

std::optional<std::uint32_t> PowerOfTwo::pick(const EndpointGroup& group, PickFacts& facts) const {
  std::optional<std::uint32_t> one = draw_.pick(group, facts);
  if (!one || group.size() == 1) return one;
  std::optional<std::uint32_t> other = draw_.pick(group, facts, one);
  if (!other) return one;
  // load / weight of the other < that of the one, without division
  double load_of_other = group.in_flight(*other) * group.weight(facts, *one);
  return load_of_other < group.in_flight(*one) * group.weight(facts, *other) ? other : one;
}

}  // namespace weir

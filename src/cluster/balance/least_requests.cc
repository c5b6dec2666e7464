#include "cluster/balance/least_requests.h"

namespace weir {
namespace {

constexpr std::uint32_t kLookAtAll = 32;
constexpr std::uint32_t kSamples = 8;  // beside the first

}  // namespace

std::optional<std::uint32_t> LeastRequests::pick(const EndpointGroup& group,
                                                 PickFacts& facts) const {
  std::optional<std::uint32_t> best = draw_.pick(group, facts);
  if (!best) return best;
  std::uint32_t best_load = group.in_flight(*best);
  double best_weight = group.weight(facts, *best);
  bool all = group.size() <= kLookAtAll;
  std::uint32_t looks = all ? group.size() : kSamples;
  auto index = static_cast<std::uint32_t>(facts.cursor.get()++ % group.size());
  for (std::uint32_t i = 0; i < looks && best_load > 0; ++i) {
    if (!all) {
      index = draw_.at(facts.random.next());
    } else if (++index == group.size()) {
      index = 0;
    }
    std::uint32_t load = group.in_flight(index);
    double weight = group.weight(facts, index);
    // load / weight < best_load / best_weight, without division
    if (load * best_weight >= best_load * weight || group.excludes(facts, index)) continue;
    best = index;
    best_load = load;
    best_weight = weight;
  }
  return best;
}

}  // namespace weir

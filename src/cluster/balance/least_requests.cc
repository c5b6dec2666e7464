#include "cluster/balance/least_requests.h"

namespace weir {
namespace {

constexpr std::size_t kLookAtAll = 32;
constexpr std::size_t kSamples = 16;

}  // namespace

std::optional<std::uint32_t> LeastRequests::pick(const EndpointSet& set, PickFacts facts) const {
  std::size_t count = set.endpoints.size();
  if (count == 0) return std::nullopt;
  bool all = count <= kLookAtAll;
  std::size_t looks = all ? count : kSamples;
  std::uint64_t start = facts.cursor++;
  std::optional<std::uint32_t> best;
  std::uint64_t best_load = 0;
  std::uint64_t best_weight = 1;
  auto look = [&](std::uint32_t index) {
    if (is_excluded(facts, index)) return;
    std::uint64_t load = set.endpoints[index]->in_flight.load(std::memory_order_relaxed) + 1;
    std::uint64_t weight = set.weights[index];
    // load / weight < best_load / best_weight, without division
    if (best && load * best_weight >= best_load * weight) return;
    best = index;
    best_load = load;
    best_weight = weight;
  };
  for (std::size_t i = 0; i < looks; ++i) {
    look(static_cast<std::uint32_t>(all ? (start + i) % count : facts.random.below(count)));
  }
  for (std::uint32_t i = 0; !best && i < count; ++i) look(i);
  return best;
}

}  // namespace weir

#include "cluster/balance/round_robin.h"

#include <algorithm>
#include <numeric>

namespace weir {
namespace {

constexpr std::uint64_t kMaxPeriod = 4096;
// The golden ratio of 2^64: multiples of it, modulo 2^64, lie as evenly as any (Weyl, Knuth 6.4).
constexpr std::uint64_t kGoldenStep = 0x9e3779b97f4a7c15;

// Each step every endpoint gains its weight, the richest is chosen and pays the total.
std::vector<std::uint32_t> smooth_rotation(std::span<const std::uint32_t> weights) {
  std::uint32_t divisor = 0;
  for (std::uint32_t weight : weights) divisor = std::gcd(divisor, weight);
  std::int64_t period = 0;
  for (std::uint32_t weight : weights) period += weight / divisor;
  std::vector<std::uint32_t> rotation;
  if (static_cast<std::uint64_t>(period) > kMaxPeriod) return rotation;
  std::vector<std::int64_t> credit(weights.size(), 0);
  for (std::int64_t step = 0; step < period; ++step) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      credit[i] += weights[i] / divisor;
      if (credit[i] > credit[best]) best = i;
    }
    credit[best] -= period;
    rotation.push_back(static_cast<std::uint32_t>(best));
  }
  return rotation;
}

}  // namespace

RoundRobin::RoundRobin(const EndpointGroup& group)
    : draw_(group.weights),
      equal_(std::ranges::adjacent_find(group.weights, std::not_equal_to<>()) ==
             group.weights.end()) {
  if (!equal_) rotation_ = smooth_rotation(group.weights);
}

std::optional<std::uint32_t> RoundRobin::pick(const EndpointGroup& group, PickFacts& facts) const {
  constexpr int kTries = 32;
  for (int tries = 0; tries < kTries; ++tries) {
    std::uint64_t step = facts.cursor.get()++;
    std::uint32_t index = equal_              ? static_cast<std::uint32_t>(step % group.size())
                          : rotation_.empty() ? draw_.at(step * kGoldenStep)
                                              : rotation_[step % rotation_.size()];
    if (!group.excludes(facts, index) && group.accepts(facts, index)) return index;
  }
  return group.any(facts, facts.cursor.get()++);
}

}  // namespace weir

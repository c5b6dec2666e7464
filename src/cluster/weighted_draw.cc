#include "cluster/weighted_draw.h"

#include <algorithm>
#include <numeric>

namespace weir {

WeightedDraw::WeightedDraw(std::span<const std::uint32_t> weights) : count_(weights.size()) {
  if (std::ranges::adjacent_find(weights, std::not_equal_to<>()) == weights.end()) return;
  // In units in which a slot holds `total`, and endpoint i brings weight * count.
  auto total = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  std::vector<std::uint64_t> left(count_);
  std::vector<std::uint32_t> small, large;
  for (std::uint32_t i = 0; i < count_; ++i) {
    left[i] = weights[i] * count_;
    (left[i] < total ? small : large).push_back(i);
  }
  slots_.assign(count_, {});
  for (std::uint32_t i = 0; i < count_; ++i) slots_[i].other = i;
  while (!small.empty() && !large.empty()) {
    std::uint32_t poor = small.back(), rich = large.back();
    small.pop_back();
    auto keep = (static_cast<unsigned __int128>(left[poor]) << 32) / total;
    slots_[poor] = {static_cast<std::uint32_t>(keep), rich};
    left[rich] -= total - left[poor];
    if (left[rich] >= total) continue;
    large.pop_back();
    small.push_back(rich);
  }
}

std::optional<std::uint32_t> WeightedDraw::pick(const EndpointGroup& group, PickFacts& facts,
                                                std::optional<std::uint32_t> but) const {
  constexpr int kTries = 16;
  for (int i = 0; i < kTries; ++i) {
    std::uint32_t index = at(facts.random.next());
    if (index == but || group.excludes(facts, index)) continue;
    if (group.accepts(facts, index)) return index;
  }
  auto start = static_cast<std::uint32_t>(facts.random.below(count_));
  for (std::uint32_t i = 0; i < count_; ++i) {
    auto index = static_cast<std::uint32_t>((start + i) % count_);
    if (index != but && !group.excludes(facts, index)) return index;
  }
  return std::nullopt;
}

}  // namespace weir

// WeightedDraw: one of several by lot, each with the chance of its weight.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/balancer.h"

namespace weir {

/// Walker's alias method: O(n) to build, O(1) for each draw, whatever the weights.
class WeightedDraw {
 public:
  explicit WeightedDraw(std::span<const std::uint32_t> weights);

  /// Maps all 64-bit words onto the indices, each by its weight. A random word makes a draw; words
  /// in even steps make an even spread.
  std::uint32_t at(std::uint64_t word) const {
    auto wide = static_cast<unsigned __int128>(word) * count_;
    auto slot = static_cast<std::uint32_t>(wide >> 64);
    if (slots_.empty()) return slot;
    auto rest = static_cast<std::uint32_t>(static_cast<std::uint64_t>(wide) >> 32);
    return rest < slots_[slot].keep ? slot : slots_[slot].other;
  }

  /// A draw among the endpoints of `group` that are neither excluded nor `but`; nothing if there
  /// are none.
  std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts,
                                    std::optional<std::uint32_t> but = {}) const;

 private:
  struct Slot {
    std::uint32_t keep;   // of 2^32: the part of the slot that is its own
    std::uint32_t other;  // whose the rest is
  };
  std::uint64_t count_;
  std::vector<Slot> slots_;  // empty: all weights are equal
};

}  // namespace weir

#include "cluster/balance/maglev.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/hash.h"

namespace weir {
namespace {

constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();

// Primes, so that every step other than 0 visits every place.
std::uint32_t size_for(std::size_t endpoints) {
  if (endpoints <= 1000) return 65537;
  return endpoints <= 10000 ? 655373 : 6553577;
}

/// An endpoint's own order of the places, and its next turn.
struct Claimant {
  std::uint64_t identity;
  std::uint32_t index;
  std::uint32_t at;
  std::uint32_t step;
  std::uint32_t weight;
  std::uint64_t credit;
};

// In an order of their own, so that the table does not depend on that of the configuration.
std::vector<Claimant> claimants(const EndpointGroup& group, std::uint32_t size,
                                std::uint32_t most) {
  std::vector<Claimant> all;
  for (std::uint32_t i = 0; i < group.size(); ++i) {
    std::uint64_t identity = stable_hash(group.endpoints[i]->text);
    auto at = static_cast<std::uint32_t>(mix(identity + 1) % size);
    auto step = static_cast<std::uint32_t>(mix(identity + 2) % (size - 1) + 1);
    all.push_back({identity, i, at, step, group.weights[i], most - group.weights[i]});
  }
  std::ranges::sort(all, {}, &Claimant::identity);
  return all;
}

}  // namespace

// In each round every endpoint gains its weight and takes a place for a full measure of the
// largest; in the first round all do, so that none goes without.
Maglev::Maglev(const EndpointGroup& group, double max_load) : bound_(max_load, group) {
  std::uint32_t size = size_for(group.size());
  table_.assign(size, kFree);
  std::uint32_t most = std::ranges::max(group.weights);
  std::vector<Claimant> all = claimants(group, size, most);
  std::uint32_t left = size;
  while (left > 0) {
    for (Claimant& each : all) {
      each.credit += each.weight;
      if (each.credit < most) continue;
      each.credit -= most;
      while (table_[each.at] != kFree) {
        each.at += each.step;
        if (each.at >= size) each.at -= size;
      }
      table_[each.at] = each.index;
      if (--left == 0) return;
    }
  }
}

std::optional<std::uint32_t> Maglev::pick(const EndpointGroup& group, PickFacts& facts) const {
  auto wide = static_cast<unsigned __int128>(hash_or_random(facts)) * table_.size();
  auto at = static_cast<std::size_t>(wide >> 64);
  return walk(group, facts, bound_, [&] {
    std::uint32_t endpoint = table_[at];
    if (++at == table_.size()) at = 0;
    return endpoint;
  });
}

}  // namespace weir

// Balancer: picks one endpoint of a group. One algorithm per file in balance/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "cluster/balance_policy.h"
#include "cluster/endpoint.h"
#include "cluster/placement.h"
#include "core/random.h"

namespace weir {

/// What a pick goes by; values only, never HTTP.
struct PickFacts {
  Random& random;
  std::reference_wrapper<std::uint64_t> cursor;  // the worker's own place in the rotation
  std::span<std::uint64_t> cursors = {};         // the same for each group; none: all share it
  std::span<const std::uint32_t> excluded = {};  // indices in the set that were tried already
  const Subset* subset = nullptr;                // only its endpoints; null: any
  TimePoint now{};
  std::optional<std::uint64_t> hash = {};       // of the key; nothing: the request has none
  std::optional<std::uint32_t> preferred = {};  // index in the set: this one, if it can be had
  std::uint32_t in_flight = 0;                  // in the whole cluster; only with `max_load`
  bool ejected_too = false;  // a guess beats what has failed this request already
};

/// Endpoints of a set among which a balancer picks: those of one level, near or far. A view.
struct EndpointGroup {
  std::span<Endpoint* const> endpoints;
  std::span<const std::uint32_t> weights;
  std::span<const std::uint32_t> places = {};  // their indices in the set
  Duration slow_start{0};                      // zero: no endpoint of the group is new
  bool all_available = true;                   // or are to be taken for it
  bool panic = false;                          // all are, but those that are barred
  bool by_load = false;                        // weights follow the loads that endpoints report
  std::uint32_t max_requests = 0;              // of each at a time; 0: unlimited

  std::uint32_t size() const { return static_cast<std::uint32_t>(endpoints.size()); }
  std::uint32_t in_flight(std::uint32_t index) const {
    return endpoints[index]->in_flight.load(std::memory_order_relaxed);
  }
  bool away(const PickFacts& facts, const Endpoint& endpoint) const {
    if (panic) return endpoint.barred();
    return !endpoint.available() && !(facts.ejected_too && endpoint.is_only(Away::ejected));
  }
  /// It was tried already, is not available, or has as much as it may.
  bool excludes(const PickFacts& facts, std::uint32_t index) const {
    if (!all_available && away(facts, *endpoints[index])) return true;
    if (max_requests > 0 && in_flight(index) >= max_requests) return true;
    if (facts.excluded.empty()) return false;
    return std::ranges::find(facts.excluded, places[index]) != facts.excluded.end();
  }
  /// The part of its weight that an endpoint has now, in (0, 1].
  double part(const PickFacts& facts, std::uint32_t index) const {
    double part = by_load ? endpoints[index]->load.part() : 1;
    if (slow_start == Duration::zero()) return part;
    return part * endpoints[index]->warmth(facts.now, slow_start);
  }
  double weight(const PickFacts& facts, std::uint32_t index) const {
    return weights[index] * part(facts, index);
  }
  /// Draws lots whether a pick of this endpoint stands.
  bool accepts(const PickFacts& facts, std::uint32_t index) const {
    if (!by_load && slow_start == Duration::zero()) return true;
    return facts.random.unit() < part(facts, index);
  }
  /// Any endpoint that is not excluded, the first after `start`.
  std::optional<std::uint32_t> any(const PickFacts& facts, std::uint64_t start) const {
    for (std::uint32_t i = 0; i < size(); ++i) {
      auto index = static_cast<std::uint32_t>((start + i) % size());
      if (!excludes(facts, index)) return index;
    }
    return std::nullopt;
  }
};

/// Made for one group, with what its picks need to be fast. Immutable and shared by all workers.
class Balancer {
 public:
  virtual ~Balancer() = default;
  /// An index into the group that it was made for, which is never empty; nothing if all are
  /// excluded.
  virtual std::optional<std::uint32_t> pick(const EndpointGroup& group, PickFacts& facts) const = 0;
};

std::unique_ptr<const Balancer> make_balancer(const BalancePolicy& policy,
                                              const EndpointGroup& group);

}  // namespace weir

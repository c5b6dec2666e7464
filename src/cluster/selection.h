// Selection: endpoints of a set that requests may go to, in the groups that are tried in turn.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cluster/balancer.h"

namespace weir {

/// All endpoints of a set, or those of a subset. A group is what is near (in the zone of this
/// process) or far of one level; each has a balancer of its own. Immutable but for what it knows
/// of availability. The endpoints belong to the set.
class Selection {
 public:
  /// In the order in which they are used: by priority, near before far.
  struct Member {
    Endpoint* endpoint;
    std::uint32_t weight;
    std::uint32_t place;  // in the set, ascending
    std::uint32_t priority;
    bool far;
  };

  /// Its groups are numbered from `first_group` on, among all of the set.
  Selection(const std::vector<Member>& members, const BalancePolicy& policy,
            std::size_t first_group);

  /// An index into the set. Nothing if there is no endpoint, or all that are available are
  /// excluded.
  std::optional<std::uint32_t> pick(PickFacts& facts, Duration slow_start) const;

  /// Not two calls at a time.
  void availability_changed() const;
  bool panicking() const { return panicking_.load(std::memory_order_relaxed); }
  std::size_t size() const { return endpoints_.size(); }
  /// Whether an endpoint, by its index in the set, is one of these.
  bool has(std::uint32_t place) const;
  std::size_t groups() const { return group_count_; }

 private:
  struct Group {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::size_t number = 0;  // of all groups of the set
    std::unique_ptr<const Balancer> balancer;
    mutable std::atomic<std::uint32_t> available{0};
    mutable std::atomic<std::uint32_t> barred{0};
    mutable std::atomic<std::uint32_t> until{0};  // its share and those before it, of kAll
    mutable std::atomic<bool> panics{false};
  };
  static constexpr std::uint32_t kAll = 0xffffffff;

  EndpointGroup view(const Group& group, Duration slow_start) const;
  bool can_have(std::uint32_t place, const PickFacts& facts) const;
  std::size_t first_group(const PickFacts& facts) const;
  std::optional<std::uint32_t> pick_from(const Group& group, bool whatever, Duration slow_start,
                                         PickFacts& facts) const;

  std::vector<Endpoint*> endpoints_;
  std::vector<std::uint32_t> weights_;
  std::vector<std::uint32_t> places_;
  std::unique_ptr<Group[]> groups_;
  std::size_t group_count_ = 0;
  double panic_below_;
  std::uint32_t max_requests_;
  bool by_load_;
  mutable std::atomic<bool> panicking_{false};
};

}  // namespace weir

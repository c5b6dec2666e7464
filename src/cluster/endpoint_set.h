// EndpointSet: the endpoints of a cluster at one time, ready to be picked from.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cluster/balancer.h"

namespace weir {

/// Endpoints that answer alike. Immutable once it is prepared; swapped as a whole.
struct EndpointSet {
  std::vector<std::shared_ptr<Endpoint>> endpoints;  // backups behind all others
  std::vector<std::uint32_t> weights;
  std::uint32_t regular = 0;  // how many are no backups
  std::uint64_t version = 0;

  /// Builds the tables of the balancers: for 10 000 endpoints some tens of milliseconds with a
  /// ring or Maglev, else far less.
  void prepare(const BalancePolicy& policy);

  /// An endpoint has become available, or is so no more.
  void availability_changed() const;

  /// An index into `endpoints`; of a backup only if no other is available that is not excluded.
  /// When no endpoint at all is available, all are taken to be. Nothing if all are excluded.
  std::optional<std::uint32_t> pick(PickFacts facts) const;

 private:
  struct Group {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::unique_ptr<const Balancer> balancer;
    mutable std::atomic<std::uint32_t> available{0};
  };

  EndpointGroup view(const Group& group, Duration slow_start) const;
  std::optional<std::uint32_t> pick_from(const Group& group, Duration slow_start, bool whatever,
                                         PickFacts& facts) const;
  bool warming(TimePoint now) const;

  std::array<Group, 2> groups_;  // the regular ones, the backups
  Duration slow_start_{0};
  // When the last endpoint has its full weight; see warming().
  mutable std::atomic<std::int64_t> warm_at_{0};
};

}  // namespace weir

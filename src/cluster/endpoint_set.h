// EndpointSet: the endpoints of a cluster at one time, ready to be picked from.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cluster/alias.h"
#include "cluster/selection.h"

namespace weir {

/// Endpoints that answer alike. Immutable once it is prepared; swapped as a whole.
struct EndpointSet {
  // By priority; of each those in the zone of this process first.
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::vector<std::uint32_t> weights;
  std::vector<Placement> placements;
  std::shared_ptr<const AliasTable> aliases;  // null: they have none
  std::uint64_t version = 0;

  /// Builds the tables of the balancers: for 10 000 endpoints some tens of milliseconds with a
  /// ring or Maglev, else far less; and again for each subset. Null stands for none.
  void prepare(const BalancePolicy& policy,
               std::span<const std::shared_ptr<const Subset>> subsets = {});

  /// An endpoint has become available, or is so no more.
  void availability_changed() const;

  /// An index into `endpoints`, by the loads of the groups: see loads_of(). When no endpoint of
  /// those asked for is available, all of them are taken to be. Nothing if there is none, or all
  /// that are available are excluded.
  std::optional<std::uint32_t> pick(PickFacts facts) const;

  /// How many endpoints a request may go to; null: all.
  std::size_t size_of(const Subset* subset) const;
  /// Whether an endpoint is one of them.
  bool has(const Subset* subset, std::uint32_t index) const;
  /// In how many groups balancers pick: for as many a worker has a cursor of its own.
  std::size_t groups() const { return groups_; }
  /// So few endpoints of some group are available that all of it are taken to be.
  bool panicking() const;

 private:
  std::unique_ptr<const Selection> select(const BalancePolicy& policy, const Subset* subset);
  const Selection* selection(const Subset* subset) const;
  bool warming(TimePoint now) const;
  void weigh(TimePoint now) const;

  std::unique_ptr<const Selection> all_;
  std::vector<std::unique_ptr<const Selection>> subsets_;  // by Subset::number
  std::size_t groups_ = 0;
  Duration slow_start_{0};
  // When the last endpoint has its full weight; see warming().
  mutable std::atomic<std::int64_t> warm_at_{0};
  bool by_load_ = false;
  mutable std::atomic<std::int64_t> weigh_at_{0};  // the next time, with `by_load_`
};

}  // namespace weir

// Cluster: the endpoints behind one upstream name; outlives every configuration that names it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/admission.h"
#include "cluster/endpoint_set.h"
#include "cluster/mirror_counters.h"
#include "cluster/outliers.h"
#include "cluster/pool_counters.h"
#include "cluster/request_queue.h"
#include "cluster/retry_budget.h"
#include "cluster/retry_counters.h"
#include "core/gathered.h"
#include "core/slots.h"

namespace weir {

/// An address and its weight, as a source of endpoints gives it.
struct WeightedAddress {
  Address address;
  std::uint32_t weight = 1;
  std::string host = {};  // the name that gave it; empty if it was written as an address
  Placement placement = {};
  std::optional<Address> other = {};  // the same server in the other family of addresses
  bool operator==(const WeightedAddress&) const = default;
};

class Cluster {
 public:
  explicit Cluster(std::string name)
      : name_(std::move(name)), admission_(std::make_shared<AdmissionState>(name_)) {}

  const std::string& name() const { return name_; }

  /// Replaces what one source (the configuration: "", a DNS name: "dns:name:port") contributes.
  /// Endpoints that stay keep their object, and so their connections and counts. Any thread.
  void update(std::string_view source, std::vector<WeightedAddress> addresses);
  /// Marks an endpoint as not to be picked for one reason, or takes that reason away. One that
  /// becomes available again has a slow start, if the policy says so. Any thread.
  void set_away(Endpoint& endpoint, Away why, bool away);
  /// How endpoints are picked from now on. Takes the subsets in that were asked for since the last
  /// call. Any thread.
  void set_policy(const BalancePolicy& policy);
  /// The endpoints that have all of `labels`, to be picked from after the next `set_policy` for as
  /// long as somebody holds it. Any thread.
  std::shared_ptr<const Subset> subset(const Labels& labels);
  /// Drops every source that is not in `sources`.
  void keep_sources(const std::vector<std::string>& sources);

  /// Changes whenever the set does: a worker compares it with its own before each pick.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::shared_ptr<const EndpointSet> endpoints() const;

  /// Names what each worker keeps for this cluster.
  const SlotKey& worker_key() const { return worker_key_; }
  /// Names each worker's EndpointView.
  const SlotKey& view_key() const { return view_key_; }

  /// Exchanges under way, over all workers; counted only for a policy that goes by it.
  std::atomic<std::uint32_t> in_flight{0};

  /// Copies of requests that were made for this cluster.
  MirrorCounters mirrors;

  /// Where requests wait when every endpoint has as many as it may.
  RequestQueue& queue() { return queue_; }

  /// What the workers' pools count.
  Gathered<PoolCounters>& pools() { return pools_; }
  const Gathered<PoolCounters>& pools() const { return pools_; }
  Gathered<RetryCounters>& retries() { return retries_; }
  const Gathered<RetryCounters>& retries() const { return retries_; }

  /// Takes one repeated request out of the budget; false if it is used up. Any thread.
  bool afford_retry(const RetryBudgetTerms& terms, TimePoint now);

  OutlierDetection& outliers() { return outliers_; }
  const OutlierDetection& outliers() const { return outliers_; }

  /// The connections to all endpoints, where the breaker limits them.
  const std::shared_ptr<ConnectionPlaces>& connections() const { return connections_; }

  /// What is under way, and how much of it may be.
  const std::shared_ptr<AdmissionState>& admission() const { return admission_; }

 private:
  std::vector<WeightedAddress> merged() const;
  std::pair<std::uint32_t, bool> order(const WeightedAddress& each) const;
  void rebuild();
  void name_endpoints(EndpointSet& set);

  const std::string name_;
  const SlotKey worker_key_;
  const SlotKey view_key_;
  Gathered<PoolCounters> pools_;
  Gathered<RetryCounters> retries_;
  RetryBudget retry_budget_;
  RequestQueue queue_;
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<WeightedAddress>, std::less<>> sources_;
  BalancePolicy policy_;
  std::vector<std::weak_ptr<const Subset>> subsets_;  // by their numbers
  bool subsets_asked_for_ = false;                    // that endpoints_ does not have yet
  std::string alias_key_;                             // made when it is first needed
  std::shared_ptr<const EndpointSet> endpoints_ = std::make_shared<EndpointSet>();
  std::atomic<std::uint64_t> version_{0};
  OutlierDetection outliers_{*this};
  const std::shared_ptr<AdmissionState> admission_;
  const std::shared_ptr<ConnectionPlaces> connections_ = std::make_shared<ConnectionPlaces>();
};

}  // namespace weir

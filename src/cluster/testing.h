// What tests of balancers share: workers that pick from one set of endpoints.
#pragma once

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "cluster/cluster.h"

namespace weir::test {

using namespace std::chrono_literals;

inline constexpr Balance kAllBalancers[] = {
    Balance::round_robin, Balance::least_requests, Balance::random, Balance::power_of_two,
    Balance::peak_ewma,   Balance::ring,           Balance::maglev};

/// Workers that pick from one set, in turn; requests end in the order in which they began.
class Balancing : public testing::TestWithParam<Balance> {
 protected:
  struct Worker {
    Random random;
    std::uint64_t cursor;
    std::vector<std::uint64_t> cursors = {};
  };

  /// The last `backups` are of level 1.
  void make(std::vector<std::uint32_t> weights, BalancePolicy policy, std::uint32_t backups = 0) {
    std::vector<Placement> placements(weights.size());
    for (std::size_t i = weights.size() - backups; i < weights.size(); ++i) {
      placements[i].priority = 1;
    }
    make(std::move(weights), std::move(placements), policy);
  }
  void make(std::vector<std::uint32_t> weights, std::vector<Placement> placements,
            BalancePolicy policy) {
    endpoints_.resize(weights.size());
    set_ = std::make_unique<EndpointSet>();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      auto port = static_cast<std::uint16_t>(i + 1);
      if (!endpoints_[i]) endpoints_[i] = std::make_shared<Endpoint>(Address(IpAddress{}, port));
    }
    set_->endpoints = endpoints_;
    set_->placements = std::move(placements);
    set_->weights = std::move(weights);
    set_->prepare(policy, subsets_);
  }
  void make(std::vector<std::uint32_t> weights, std::uint32_t backups = 0) {
    make(std::move(weights), BalancePolicy{.algorithm = GetParam()}, backups);
  }
  void use_workers(std::size_t count) {
    workers_.clear();
    for (std::size_t i = 0; i < count; ++i) {
      Random random(i + 1);
      std::uint64_t cursor = random.next() >> 1;
      workers_.push_back({random, cursor});
    }
  }

  std::optional<std::uint32_t> pick(std::vector<std::uint32_t> excluded = {},
                                    const Subset* subset = nullptr) {
    Worker& worker = workers_[turn_++ % workers_.size()];
    while (worker.cursors.size() < set_->groups()) {
      worker.cursors.push_back(worker.cursor + worker.cursors.size() * 7);
    }
    return set_->pick({.random = worker.random,
                       .cursor = worker.cursor,
                       .cursors = worker.cursors,
                       .excluded = excluded,
                       .subset = subset,
                       .now = now_,
                       .in_flight = static_cast<std::uint32_t>(under_way_.size())});
  }
  void begin(std::uint32_t index) {
    ++set_->endpoints[index]->in_flight;
    under_way_.push_back(index);
  }
  void end_oldest() {
    --endpoints_[under_way_.front()]->in_flight;
    under_way_.pop_front();
  }
  /// How often each was picked in `picks`, with `concurrency` of them under way.
  std::vector<double> spread(int picks, std::size_t concurrency,
                             std::vector<std::uint32_t> excluded = {}) {
    std::vector<double> counts(set_->endpoints.size());
    for (int i = 0; i < picks; ++i) {
      std::uint32_t index = pick(excluded).value();
      ++counts[index];
      begin(index);
      if (under_way_.size() > concurrency) end_oldest();
    }
    while (!under_way_.empty()) end_oldest();
    return counts;
  }
  /// The largest distance of a share from that of the weight, in parts of the share.
  double worst(const std::vector<double>& counts) const {
    double all = std::accumulate(counts.begin(), counts.end(), 0.0);
    double weight = std::accumulate(set_->weights.begin(), set_->weights.end(), 0.0);
    double most = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      double ideal = all * set_->weights[i] / weight;
      most = std::max(most, std::abs(counts[i] - ideal) / ideal);
    }
    return most;
  }

  /// As if it were marked by Cluster::set_away.
  void set_away(std::initializer_list<std::size_t> gone, Away why = Away::unhealthy) {
    Cluster cluster("any");
    for (std::size_t i = 0; i < endpoints_.size(); ++i) {
      bool away = std::ranges::find(gone, i) != gone.end();
      cluster.set_away(*endpoints_[i], why, away);
    }
    set_->availability_changed();
  }

  std::vector<std::shared_ptr<Endpoint>> endpoints_;
  std::vector<std::shared_ptr<const Subset>> subsets_;
  std::unique_ptr<EndpointSet> set_;
  std::vector<Worker> workers_{{Random(1), 0}};
  std::size_t turn_ = 0;
  std::deque<std::uint32_t> under_way_;
  TimePoint now_{1h};
};

}  // namespace weir::test

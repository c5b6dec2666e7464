#include "cluster/balancer.h"

#include <deque>
#include <map>
#include <numeric>

#include <gtest/gtest.h>

#include "cluster/endpoint_set.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr Balance kAll[] = {Balance::round_robin,  Balance::least_requests, Balance::random,
                            Balance::power_of_two, Balance::peak_ewma,      Balance::ring,
                            Balance::maglev};

/// Workers that pick from one set, in turn; requests end in the order in which they began.
class Balancing : public testing::TestWithParam<Balance> {
 protected:
  struct Worker {
    Random random;
    std::uint64_t cursor;
  };

  void make(std::vector<std::uint32_t> weights, BalancePolicy policy, std::uint32_t backups = 0) {
    endpoints_.resize(weights.size());
    set_ = std::make_unique<EndpointSet>();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      auto port = static_cast<std::uint16_t>(i + 1);
      if (!endpoints_[i]) endpoints_[i] = std::make_shared<Endpoint>(Address(IpAddress{}, port));
    }
    set_->endpoints = endpoints_;
    set_->regular = static_cast<std::uint32_t>(weights.size()) - backups;
    set_->weights = std::move(weights);
    set_->prepare(policy);
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

  std::optional<std::uint32_t> pick(std::vector<std::uint32_t> excluded = {}) {
    Worker& worker = workers_[turn_++ % workers_.size()];
    return set_->pick({.random = worker.random,
                       .cursor = worker.cursor,
                       .excluded = excluded,
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

  std::vector<std::shared_ptr<Endpoint>> endpoints_;
  std::unique_ptr<EndpointSet> set_;
  std::vector<Worker> workers_{{Random(1), 0}};
  std::size_t turn_ = 0;
  std::deque<std::uint32_t> under_way_;
  TimePoint now_{1h};
};

class EachBalancer : public Balancing {};

TEST_P(EachBalancer, spreads_requests_of_several_workers_evenly) {
  use_workers(4);
  make(std::vector<std::uint32_t>(10, 1));
  // Points of a ring are 1024 for each endpoint: a standard deviation of 3 %.
  double allowed = GetParam() == Balance::ring ? 0.10 : 0.03;
  EXPECT_LT(worst(spread(200000, 64)), allowed);
}

TEST_P(EachBalancer, keeps_to_the_weights) {
  use_workers(3);
  make({5, 1, 2, 2, 10});
  EXPECT_LT(worst(spread(200000, 200)), GetParam() == Balance::ring ? 0.20 : 0.05);
}

TEST_P(EachBalancer, lets_no_endpoint_starve) {
  use_workers(2);
  std::vector<std::uint32_t> weights;
  for (std::uint32_t i = 0; i < 300; ++i) weights.push_back(i % 10 == 0 ? 1 : 20 + i % 30);
  make(weights);
  std::vector<double> counts = spread(300000, 3000);
  for (double count : counts) EXPECT_GT(count, 0);
}

TEST_P(EachBalancer, never_picks_an_excluded_endpoint_while_there_are_others) {
  make({3, 1, 1, 1});
  for (int i = 0; i < 1000; ++i) {
    std::uint32_t index = pick({0, 2}).value();
    EXPECT_TRUE(index == 1 || index == 3);
    EXPECT_EQ(pick({0, 1, 2}), 3u);
  }
  EXPECT_FALSE(pick({0, 1, 2, 3}));
}

TEST_P(EachBalancer, spreads_what_an_excluded_endpoint_would_have_had) {
  make(std::vector<std::uint32_t>(5, 1));
  std::vector<double> counts = spread(20000, 20, {2});
  EXPECT_EQ(counts[2], 0);
  for (std::uint32_t i : {0u, 1u, 3u, 4u}) EXPECT_NEAR(counts[i], 5000, 700);
}

TEST_P(EachBalancer, picks_the_only_one_always) {
  make({7});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick(), 0u);
  EXPECT_FALSE(pick({0}));
}

TEST_P(EachBalancer, picks_nothing_from_nothing) {
  make({});
  EXPECT_FALSE(pick());
  EXPECT_FALSE(EndpointSet().pick({.random = workers_[0].random, .cursor = workers_[0].cursor}));
}

TEST_P(EachBalancer, takes_a_backup_when_all_others_are_excluded) {
  make({1, 1, 1, 1}, 2);
  for (int i = 0; i < 200; ++i) {
    EXPECT_LT(pick().value(), 2u);
    EXPECT_EQ(pick({1}), 0u);
    EXPECT_GE(pick({0, 1}).value(), 2u);
    EXPECT_EQ(pick({0, 1, 2}), 3u);
  }
  EXPECT_FALSE(pick({0, 1, 2, 3}));
}

TEST_P(EachBalancer, takes_backups_when_there_is_nothing_else) {
  make({1, 1}, 2);
  EXPECT_TRUE(pick());
}

INSTANTIATE_TEST_SUITE_P(Balance, EachBalancer, testing::ValuesIn(kAll), [](const auto& each) {
  return std::string(config::enum_word(each.param));
});

// --- the weight of new endpoints ---------------------------------------------------------------

class SlowStart : public Balancing {
 protected:
  void make_with_a_new_one() {
    BalancePolicy policy{.algorithm = GetParam(), .slow_start = 30s};
    make({1, 1, 1, 1}, policy);
    endpoints_.push_back(std::make_shared<Endpoint>(Address(IpAddress{}, 99)));
    endpoints_.back()->mark_new();
    make({1, 1, 1, 1, 1}, policy);
  }
  double share_of_the_new_one() {
    std::vector<double> counts = spread(40000, 100);
    return counts[4] / counts[0];
  }
};

TEST_P(SlowStart, lets_the_weight_of_a_new_endpoint_grow) {
  make_with_a_new_one();
  EXPECT_NEAR(share_of_the_new_one(), 0.1, 0.05);
  now_ += 15s;
  EXPECT_NEAR(share_of_the_new_one(), 0.55, 0.1);
  now_ += 15s;
  EXPECT_NEAR(share_of_the_new_one(), 1.0, 0.1);
}

TEST_P(SlowStart, begins_with_the_first_pick_and_goes_on_in_a_new_set) {
  make_with_a_new_one();
  now_ += 1h;
  EXPECT_TRUE(pick());
  now_ += 15s;
  make({1, 1, 1, 1, 1}, {.algorithm = GetParam(), .slow_start = 30s});
  EXPECT_NEAR(share_of_the_new_one(), 0.55, 0.1);
}

TEST_P(SlowStart, takes_a_new_endpoint_that_is_the_only_one_left) {
  make_with_a_new_one();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick({0, 1, 2, 3}), 4u);
}

INSTANTIATE_TEST_SUITE_P(Balance, SlowStart,
                         testing::Values(Balance::round_robin, Balance::least_requests,
                                         Balance::random, Balance::power_of_two,
                                         Balance::peak_ewma),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

// --- round robin ---------------------------------------------------------------------------------

class OneBalancer : public Balancing {
 protected:
  std::vector<std::uint32_t> picks(int count) {
    std::vector<std::uint32_t> made;
    for (int i = 0; i < count; ++i) made.push_back(pick().value());
    return made;
  }
};

TEST_F(OneBalancer, round_robin_goes_in_order_when_all_weights_are_equal) {
  make({7, 7, 7}, {.algorithm = Balance::round_robin});
  EXPECT_EQ(picks(6), (std::vector<std::uint32_t>{0, 1, 2, 0, 1, 2}));
}

TEST_F(OneBalancer, round_robin_spreads_weights_smoothly_over_the_period) {
  make({5, 1, 1}, {.algorithm = Balance::round_robin});
  EXPECT_EQ(picks(7), (std::vector<std::uint32_t>{0, 0, 1, 0, 2, 0, 0}));
}

TEST_F(OneBalancer, round_robin_gives_each_endpoint_its_exact_share) {
  make({30, 20, 10}, {.algorithm = Balance::round_robin});
  EXPECT_EQ(spread(600, 1), (std::vector<double>{300, 200, 100}));
}

TEST_F(OneBalancer, round_robin_stays_close_to_shares_that_have_no_short_period) {
  std::vector<std::uint32_t> weights;
  for (std::uint32_t i = 0; i < 1000; ++i) weights.push_back(1 + i * 7919 % 1000);
  make(weights, {.algorithm = Balance::round_robin});
  std::vector<double> counts = spread(50000, 1);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_NEAR(counts[i], weights[i] * 50000 / 500500.0, 6);
  }
}

// --- by load -----------------------------------------------------------------------------------

TEST_F(OneBalancer, least_requests_prefers_the_endpoint_with_fewest_under_way) {
  make({1, 1, 1}, {.algorithm = Balance::least_requests});
  endpoints_[0]->in_flight = 5;
  endpoints_[1]->in_flight = 2;
  endpoints_[2]->in_flight = 9;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(pick(), 1u);
}

TEST_F(OneBalancer, least_requests_counts_by_weight) {
  make({10, 1}, {.algorithm = Balance::least_requests});
  endpoints_[0]->in_flight = 9;
  endpoints_[1]->in_flight = 1;
  EXPECT_EQ(pick(), 0u);
}

TEST_F(OneBalancer, power_of_two_never_takes_the_busiest) {
  make({1, 1, 1}, {.algorithm = Balance::power_of_two});
  endpoints_[1]->in_flight = 3;
  for (int i = 0; i < 1000; ++i) EXPECT_NE(pick(), 1u);
}

TEST_F(OneBalancer, power_of_two_counts_by_weight) {
  make({10, 1}, {.algorithm = Balance::power_of_two});
  endpoints_[0]->in_flight = 9;
  endpoints_[1]->in_flight = 1;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick(), 0u);
}

// --- by latency --------------------------------------------------------------------------------

TEST_F(OneBalancer, peak_ewma_prefers_what_answers_sooner) {
  make({1, 1}, {.algorithm = Balance::peak_ewma});
  endpoints_[0]->latency.answered(40ms, now_);
  endpoints_[1]->latency.answered(10ms, now_);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick(), 1u);
  endpoints_[1]->in_flight = 4;  // 10 ms times 5 is more than 40 ms
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick(), 0u);
}

TEST_F(OneBalancer, peak_ewma_tries_an_unknown_endpoint_with_one_request) {
  make({1, 1}, {.algorithm = Balance::peak_ewma});
  endpoints_[0]->latency.answered(5ms, now_);
  EXPECT_EQ(pick(), 1u);
  endpoints_[1]->in_flight = 1;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick(), 0u);
}

TEST_F(OneBalancer, peak_ewma_comes_back_to_an_endpoint_that_was_slow_once) {
  make({1, 1}, {.algorithm = Balance::peak_ewma});
  endpoints_[0]->latency.answered(1s, now_);
  int seconds = 0;
  for (; pick() != 0u; ++seconds) {
    ASSERT_LT(seconds, 300);
    now_ += 1s;
    endpoints_[1]->latency.answered(10ms, now_);
  }
  EXPECT_GT(seconds, 20);
}

TEST_F(OneBalancer, peak_ewma_leaves_an_endpoint_that_hangs) {
  make({1, 1, 1}, {.algorithm = Balance::peak_ewma});
  for (const auto& each : endpoints_) each->latency.answered(2ms, now_);
  // Nothing comes back from 0; the others answer at once.
  int stuck = 0;
  for (int i = 0; i < 1000; ++i) {
    std::uint32_t index = pick().value();
    if (index == 0) {
      ++stuck;
      ++endpoints_[0]->in_flight;
    }
  }
  EXPECT_LT(stuck, 5);
}

}  // namespace
}  // namespace weir

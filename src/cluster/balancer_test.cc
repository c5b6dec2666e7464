// What every balancer keeps to.
#include "cluster/testing.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::Balancing;

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

INSTANTIATE_TEST_SUITE_P(Balance, EachBalancer, testing::ValuesIn(test::kAllBalancers),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

}  // namespace
}  // namespace weir

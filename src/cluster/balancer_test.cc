#include <map>

#include <gtest/gtest.h>

#include "cluster/balancer.h"

namespace weir {
namespace {

class Balancing : public testing::Test {
 protected:
  void make(std::vector<std::uint32_t> weights) {
    set_.endpoints.clear();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      set_.endpoints.push_back(
          std::make_shared<Endpoint>(Address(IpAddress{}, static_cast<std::uint16_t>(i + 1))));
    }
    set_.weights = std::move(weights);
    set_.make_rotation();
  }
  std::optional<std::uint32_t> pick(Balance algorithm, std::vector<std::uint32_t> excluded = {}) {
    return balancer_for(algorithm).pick(set_, PickFacts{random_, cursor_, excluded});
  }

  EndpointSet set_;
  Random random_{1};
  std::uint64_t cursor_ = 0;
};

TEST_F(Balancing, round_robin_gives_every_endpoint_its_turn) {
  make({1, 1, 1});
  std::map<std::uint32_t, int> picked;
  for (int i = 0; i < 30; ++i) ++picked[*pick(Balance::round_robin)];
  EXPECT_EQ(picked, (std::map<std::uint32_t, int>{{0, 10}, {1, 10}, {2, 10}}));
}

TEST_F(Balancing, round_robin_keeps_to_the_weights) {
  make({3, 1});
  std::map<std::uint32_t, int> picked;
  for (int i = 0; i < 40; ++i) ++picked[*pick(Balance::round_robin)];
  EXPECT_EQ(picked[0], 30);
}

TEST_F(Balancing, picks_none_that_is_excluded) {
  make({1, 1, 1});
  for (Balance algorithm : {Balance::round_robin, Balance::least_requests}) {
    for (int i = 0; i < 10; ++i) EXPECT_EQ(pick(algorithm, {0, 2}), 1u);
    EXPECT_FALSE(pick(algorithm, {0, 1, 2}));
  }
}

TEST_F(Balancing, picks_nothing_from_nothing) {
  make({});
  EXPECT_FALSE(pick(Balance::round_robin));
  EXPECT_FALSE(pick(Balance::least_requests));
}

TEST_F(Balancing, least_requests_prefers_the_endpoint_with_fewest_under_way) {
  make({1, 1, 1});
  set_.endpoints[0]->in_flight = 5;
  set_.endpoints[1]->in_flight = 2;
  set_.endpoints[2]->in_flight = 9;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(pick(Balance::least_requests), 1u);
}

TEST_F(Balancing, least_requests_counts_by_weight) {
  make({10, 1});
  set_.endpoints[0]->in_flight = 9;
  set_.endpoints[1]->in_flight = 1;
  EXPECT_EQ(pick(Balance::least_requests), 0u);
}

TEST_F(Balancing, least_requests_spreads_ties) {
  make({1, 1, 1, 1});
  std::map<std::uint32_t, int> picked;
  for (int i = 0; i < 40; ++i) ++picked[*pick(Balance::least_requests)];
  EXPECT_EQ(picked.size(), 4u);
}

}  // namespace
}  // namespace weir

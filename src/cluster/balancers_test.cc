// What each balancer goes by.
#include "cluster/testing.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::Balancing;

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

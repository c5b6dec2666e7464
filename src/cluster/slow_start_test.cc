// The weight of new endpoints.
#include "cluster/testing.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::Balancing;

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

}  // namespace
}  // namespace weir

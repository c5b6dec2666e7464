#include "cluster/retry_budget.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

class RetryBudgetTest : public ::testing::Test {
 protected:
  bool take() {
    if (budget_.due(now_)) budget_.refresh(terms_, now_, requests_);
    if (!budget_.take()) return false;
    ++requests_;  // what is repeated is a request as well
    return true;
  }
  /// `rate` requests a second for so long, each of which wants to be repeated.
  std::uint64_t storm(double rate, Duration time) {
    std::uint64_t made = 0;
    auto between = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / rate));
    for (TimePoint end = now_ + time; now_ < end; now_ += between) {
      ++requests_;
      made += take() ? 1 : 0;
    }
    return made;
  }

  RetryBudget budget_;
  RetryBudgetTerms terms_;
  TimePoint now_{1h};
  std::uint64_t requests_ = 0;
};

TEST_F(RetryBudgetTest, allows_a_few_however_little_traffic_there_is) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(take()) << i;
  EXPECT_FALSE(take());
  now_ += 1s;
  int made = 0;
  while (take()) ++made;
  EXPECT_NEAR(made, 10, 1);
}

TEST_F(RetryBudgetTest, never_exceeds_its_share_for_long) {
  terms_ = {.share = 0.2, .min_per_second = 0};
  take();
  storm(10'000, 10s);
  EXPECT_NEAR(static_cast<double>(storm(10'000, 60s)) / 600'000, 0.2, 0.01);
}

TEST_F(RetryBudgetTest, adds_the_least_rate_to_the_share) {
  terms_ = {.share = 0.1, .min_per_second = 50};
  storm(1000, 10s);
  EXPECT_NEAR(static_cast<double>(storm(1000, 60s)), 60 * (100 + 50), 300);
}

TEST_F(RetryBudgetTest, saves_up_what_ten_seconds_are_worth) {
  terms_ = {.share = 0.2, .min_per_second = 0};
  take();
  now_ += 100s;
  requests_ += 100'000;  // 1000 a second
  int made = 0;
  while (take()) ++made;
  EXPECT_NEAR(made, 2000, 20);
}

TEST_F(RetryBudgetTest, forgets_what_it_had_saved) {
  terms_ = {.share = 0.2, .min_per_second = 1};
  take();
  now_ += 100s;
  requests_ += 100'000;
  take();
  EXPECT_GT(budget_.balance(), 1900);
  now_ += 100s;
  take();
  EXPECT_LT(budget_.balance(), 12);
}

TEST_F(RetryBudgetTest, allows_nothing_with_a_share_of_nothing) {
  terms_ = {.share = 0, .min_per_second = 0};
  EXPECT_EQ(storm(1000, 10s), 0u);
}

}  // namespace
}  // namespace weir

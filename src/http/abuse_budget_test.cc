#include "http/abuse_budget.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr AbuseLimits kLimits{.points = 100, .refill = 10};

TimePoint at(std::chrono::milliseconds time) { return TimePoint(time); }

struct Spender {
  explicit Spender(AbuseLimits limits = kLimits) : budget(limits, TimePoint()) {}
  int until_closed(Misdeed misdeed, std::chrono::milliseconds between, int most = 1000) {
    for (int i = 0; i < most; ++i) {
      if (!budget.spend(misdeed, at(between * i), counters)) return i;
    }
    return most;
  }
  AbuseBudget budget;
  AbuseCounters counters;
};

TEST(AbuseBudget, lets_exactly_its_points_be_spent) {
  Spender spender;
  EXPECT_EQ(spender.until_closed(Misdeed::reset, {}), 25);
  EXPECT_TRUE(spender.budget.exhausted());
  EXPECT_EQ(spender.counters.closed.value(), 1u);
  EXPECT_EQ(spender.counters.of(Misdeed::reset).value(), 26u);
}

TEST(AbuseBudget, is_exhausted_for_ever) {
  Spender spender;
  spender.until_closed(Misdeed::malformed, {});
  EXPECT_FALSE(spender.budget.spend(Misdeed::ping, at(std::chrono::hours(1)), spender.counters));
  EXPECT_EQ(spender.counters.closed.value(), 1u);
}

TEST(AbuseBudget, gives_points_back_with_time) {
  Spender slow;
  EXPECT_EQ(slow.until_closed(Misdeed::ping, std::chrono::milliseconds(200)), 1000);
  Spender fast;
  EXPECT_LT(fast.until_closed(Misdeed::ping, std::chrono::milliseconds(100)), 110);
}

TEST(AbuseBudget, loses_no_time_between_misdeeds_that_come_fast) {
  Spender spender({.points = 1000, .refill = 10});
  spender.until_closed(Misdeed::priority, std::chrono::milliseconds(1), 1000);
  EXPECT_NEAR(spender.budget.spent(), 990, 2);
}

TEST(AbuseBudget, earns_by_good_exchanges) {
  Spender spender;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(spender.budget.spend(Misdeed::reset, TimePoint(), spender.counters));
    spender.budget.earn(2 * AbuseBudget::kGoodExchange);
  }
}

TEST(AbuseBudget, has_no_end_when_unlimited) {
  Spender spender({.points = 0, .refill = 0});
  EXPECT_EQ(spender.until_closed(Misdeed::stalled, {}), 1000);
  EXPECT_EQ(spender.counters.of(Misdeed::stalled).value(), 1000u);
}

TEST(AbuseBudget, names_every_misdeed) {
  for (std::size_t i = 0; i < kMisdeeds; ++i) {
    EXPECT_FALSE(name(static_cast<Misdeed>(i)).empty());
    EXPECT_GT(cost(static_cast<Misdeed>(i)), 0u);
  }
}

}  // namespace
}  // namespace weir

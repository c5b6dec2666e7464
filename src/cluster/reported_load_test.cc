// What follows from the loads that endpoints report, and the spread that comes of it.
#include "cluster/reported_load.h"

#include <gtest/gtest.h>

#include "cluster/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::Balancing;

constexpr TimePoint kStart{1h};

class Reports : public testing::Test {
 protected:
  explicit Reports(std::vector<std::uint32_t> weights = {1, 1, 1}) : weights_(std::move(weights)) {
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      auto port = static_cast<std::uint16_t>(i + 1);
      endpoints_.push_back(std::make_shared<Endpoint>(Address(IpAddress{}, port)));
    }
  }
  void weigh(TimePoint now = kStart) { weigh_by_load(endpoints_, weights_, now); }
  void report(std::size_t index, double utilization, double rate, TimePoint now = kStart) {
    endpoints_[index]->load.report({utilization, rate}, now);
  }
  double part(std::size_t index) const { return endpoints_[index]->load.part(); }

  std::vector<std::uint32_t> weights_;
  std::vector<std::shared_ptr<Endpoint>> endpoints_;
};

TEST_F(Reports, say_nothing_before_they_come) {
  weigh();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(part(i), 1);
}

TEST_F(Reports, give_endpoints_weights_by_what_they_can_take) {
  report(0, 0.5, 100);  // 200 a second at full load
  report(1, 0.5, 50);   // 100
  report(2, 1.0, 100);  // 100
  weigh();
  EXPECT_NEAR(part(0), 1.0, 1e-6);
  EXPECT_NEAR(part(1), 0.5, 1e-6);
  EXPECT_NEAR(part(2), 0.5, 1e-6);
}

TEST_F(Reports, take_the_middle_one_for_who_does_not_report) {
  report(0, 0.5, 200);
  report(1, 0.5, 100);
  weigh();
  EXPECT_NEAR(part(2), part(0), 1e-6);  // of two the middle one is the second
}

TEST_F(Reports, move_no_weight_beyond_the_bounds) {
  report(0, 0.01, 1000);
  report(1, 0.5, 100);
  report(2, 5, 1);
  weigh();
  EXPECT_NEAR(part(0) / part(1), kMostByLoad, 1e-6);
  EXPECT_NEAR(part(1) / part(2), kMostByLoad, 1e-6);
}

TEST_F(Reports, are_smoothed) {
  for (std::size_t i = 0; i < 3; ++i) report(i, 0.5, 100);
  weigh();
  report(0, 1.0, 100, kStart + 1s);
  weigh(kStart + 1s);
  EXPECT_GT(part(0), 0.6);
  EXPECT_LT(part(0), 1.0);
  for (int i = 2; i < 30; ++i) weigh(kStart + 1s * i);
  EXPECT_NEAR(part(0), 0.5, 0.01);
}

TEST_F(Reports, are_forgotten_when_they_are_old) {
  report(0, 0.5, 100);
  report(1, 1.0, 100);
  report(2, 1.0, 100);
  weigh();
  EXPECT_LT(part(1), 1);
  weigh(kStart + ReportedLoad::kLifetime + 1s);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(part(i), 1);
}

TEST_F(Reports, without_a_rate_go_by_the_requests_that_were_sent) {
  weigh();
  for (std::size_t i = 0; i < 3; ++i) endpoints_[i]->requests = 100;
  report(0, 0.4, 0, kStart + 1s);
  report(1, 0.8, 0, kStart + 1s);
  report(2, 0.8, 0, kStart + 1s);
  weigh(kStart + 1s);
  EXPECT_NEAR(part(0), 1.0, 1e-6);
  EXPECT_NEAR(part(1), 0.5, 1e-6);
}

// --- the spread --------------------------------------------------------------------------------

class SpreadByLoad : public Balancing {};

TEST_P(SpreadByLoad, brings_endpoints_of_different_size_to_the_same_load) {
  make({1, 1, 1, 1}, BalancePolicy{.algorithm = GetParam(), .load_reports = true});
  const double capacity[] = {1000, 1000, 2000, 500};
  std::vector<double> counts;
  for (int second = 0; second < 40; ++second) {
    counts = spread(1500, 20);
    now_ += 1s;
    for (std::size_t i = 0; i < 4; ++i) {
      endpoints_[i]->load.report({counts[i] / capacity[i], counts[i]}, now_);
    }
  }
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(counts[i] / capacity[i], 1500 / 4500.0, 0.08);
}

INSTANTIATE_TEST_SUITE_P(Balance, SpreadByLoad,
                         testing::Values(Balance::round_robin, Balance::least_requests,
                                         Balance::random, Balance::power_of_two),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

}  // namespace
}  // namespace weir

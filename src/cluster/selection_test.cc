// Levels, zones and subsets, for every balancer.
#include "cluster/selection.h"

#include <set>

#include <gtest/gtest.h>

#include "cluster/testing.h"

namespace weir {
namespace {

using test::Balancing;

class Groups : public Balancing {
 protected:
  static constexpr int kPicks = 20000;

  BalancePolicy policy(std::string zone = {}, double panic_below = 0.1) const {
    return {.algorithm = GetParam(), .panic_below = panic_below, .zone = std::move(zone)};
  }
  void make_levels(std::vector<std::uint32_t> priorities, double panic_below = 0.1) {
    std::vector<Placement> placements;
    for (std::uint32_t each : priorities) placements.push_back({each, "", {}});
    make(std::vector<std::uint32_t>(priorities.size(), 1), placements, policy({}, panic_below));
  }
  /// The part of the requests that each endpoint gets.
  std::vector<double> shares() {
    std::vector<double> counts = spread(kPicks, 20);
    for (double& each : counts) each /= kPicks;
    return counts;
  }
};

TEST_P(Groups, leave_a_lower_level_alone_while_the_upper_one_can_take_all) {
  make_levels({0, 0, 0, 0, 1, 1});
  set_away({2});
  std::vector<double> got = shares();
  EXPECT_EQ(got[2] + got[4] + got[5], 0);
}

TEST_P(Groups, give_a_lower_level_what_the_upper_one_cannot_take) {
  make_levels({0, 0, 0, 0, 1, 1});
  set_away({0, 2});
  std::vector<double> got = shares();
  EXPECT_EQ(got[0] + got[2], 0);
  EXPECT_NEAR(got[1] + got[3], 0.7, 0.02);
  EXPECT_NEAR(got[4] + got[5], 0.3, 0.02);
  set_away({0, 1, 2, 3, 4});
  EXPECT_NEAR(shares()[5], 1.0, 0);
}

TEST_P(Groups, give_nothing_to_what_an_operator_took_out_not_even_in_a_panic) {
  for (Away why : {Away::disabled, Away::draining}) {
    endpoints_.clear();
    make_levels({0, 0, 0, 1});
    set_away({1, 3}, why);
    std::vector<double> got = shares();
    EXPECT_EQ(got[1] + got[3], 0);
    set_away({0, 1, 2, 3});  // and unhealthy: nothing is available at all
    got = shares();
    EXPECT_EQ(got[1] + got[3], 0);
    EXPECT_NEAR(got[0] + got[2], 1.0, 1e-9);
    set_away({0, 1, 2, 3}, why);
    EXPECT_FALSE(set_->pick(PickFacts{.random = workers_[0].random, .cursor = workers_[0].cursor}));
  }
}

TEST_P(Groups, let_a_client_stay_with_what_is_drained_and_not_with_what_is_disabled) {
  make_levels({0, 0, 0});
  PickFacts facts{
      .random = workers_[0].random, .cursor = workers_[0].cursor, .preferred = std::uint32_t{1}};
  set_away({1}, Away::draining);
  EXPECT_EQ(set_->pick(facts), 1u);
  set_away({}, Away::draining);
  set_away({1}, Away::disabled);
  EXPECT_NE(set_->pick(facts), 1u);
}

TEST_P(Groups, come_back_when_their_endpoints_do) {
  make_levels({0, 0, 1});
  set_away({0, 1});
  EXPECT_EQ(shares()[2], 1.0);
  set_away({});
  EXPECT_EQ(shares()[2], 0.0);
}

TEST_P(Groups, prefer_their_zone_and_spill_over_in_proportion) {
  make({1, 1, 1, 1}, {{0, "a", {}}, {0, "a", {}}, {0, "b", {}}, {0, "", {}}}, policy("a"));
  std::vector<double> all_well = shares();
  EXPECT_EQ(all_well[2] + all_well[3], 0);
  set_away({0});
  std::vector<double> got = shares();
  EXPECT_NEAR(got[1], 0.7, 0.02);
  EXPECT_NEAR(got[2], 0.15, 0.03);
  EXPECT_NEAR(got[3], 0.15, 0.03);
}

TEST_P(Groups, ignore_zones_in_a_process_that_has_none) {
  make({1, 1}, {{0, "a", {}}, {0, "b", {}}}, policy());
  std::vector<double> got = shares();
  EXPECT_NEAR(got[0], 0.5, 0.1);
}

TEST_P(Groups, take_first_attempts_to_all_endpoints_in_a_panic) {
  make_levels({0, 0, 0, 0, 0, 0, 0, 0}, 0.3);
  set_away({0, 1, 2, 3, 4});
  EXPECT_FALSE(set_->panicking());
  EXPECT_EQ(shares()[0], 0);
  set_away({0, 1, 2, 3, 4, 5});
  EXPECT_TRUE(set_->panicking());
  for (double each : shares()) EXPECT_NEAR(each, 1.0 / 8, 0.03);
}

TEST_P(Groups, repeat_in_a_panic_only_where_it_may_help) {
  make_levels({0, 0, 0, 0, 0, 0, 0, 0}, 0.3);
  set_away({0, 1, 2, 3, 4, 5});
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(pick({0}).value(), 6u);
    EXPECT_EQ(pick({0, 6}), 7u);
    EXPECT_LT(pick({6, 7}).value(), 6u);
  }
}

TEST_P(Groups, take_everything_for_available_when_nothing_is) {
  make_levels({0, 0, 1}, 0);
  set_away({0, 1, 2});
  std::vector<double> got = shares();
  EXPECT_NEAR(got[0], 0.5, 0.1);
  EXPECT_EQ(got[2], 0);
  EXPECT_EQ(pick({0, 1}), 2u);
}

TEST_P(Groups, pick_from_a_subset_only_what_has_its_labels) {
  Labels v1{{"version", "v1"}}, v2{{"tier", "gold"}, {"version", "v2"}};
  subsets_ = {std::make_shared<const Subset>(v1, 0), nullptr,
              std::make_shared<const Subset>(Labels{{"version", "v2"}}, 2)};
  make({1, 1, 1, 1}, {{0, "", v2}, {0, "", v1}, {0, "", v2}, {1, "", v2}}, policy());
  std::set<std::uint32_t> picked;
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(pick({}, subsets_[0].get()), 1u);
    EXPECT_EQ(pick({0}, subsets_[2].get()), 2u);
    EXPECT_EQ(pick({0, 2}, subsets_[2].get()), 3u);
  }
  for (int i = 0; i < 100; ++i) picked.insert(pick({}, subsets_[2].get()).value());
  EXPECT_EQ(picked, (std::set<std::uint32_t>{0, 2}));
  EXPECT_FALSE(pick({1}, subsets_[0].get()));
}

TEST_P(Groups, count_health_in_the_subset_alone) {
  Labels mine{{"mine", "yes"}};
  subsets_ = {std::make_shared<const Subset>(mine, 0)};
  make({1, 1, 1, 1}, {{0, "", mine}, {0, "", {}}, {0, "", {}}, {1, "", mine}}, policy());
  set_away({0});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pick({}, subsets_[0].get()), 3u);
}

INSTANTIATE_TEST_SUITE_P(Balance, Groups, testing::ValuesIn(test::kAllBalancers),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

// --- keys ------------------------------------------------------------------------------------

TEST(GroupsByKey, keep_a_key_in_its_group) {
  Cluster cluster("api");
  cluster.set_policy({.algorithm = Balance::maglev});
  std::vector<WeightedAddress> addresses;
  for (int i = 0; i < 8; ++i) {
    addresses.push_back({*Address::parse("10.0.0." + std::to_string(i + 1) + ":80"), 1});
    addresses.back().placement.priority = i < 4 ? 0 : 1;
  }
  cluster.update("", addresses);
  auto set = cluster.endpoints();
  cluster.set_away(*set->endpoints[0], Away::unhealthy, true);
  cluster.set_away(*set->endpoints[1], Away::unhealthy, true);
  Random random(1);
  std::uint64_t cursor = 0;
  std::set<std::uint32_t> used;
  for (std::uint64_t key = 0; key < 200; ++key) {
    PickFacts facts{.random = random, .cursor = cursor, .hash = key * 0x2545f4914f6cdd1d};
    std::optional<std::uint32_t> first = set->pick(facts);
    used.insert(first.value());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(set->pick(facts), first);
  }
  EXPECT_EQ(used.size(), 6u);
}

}  // namespace
}  // namespace weir

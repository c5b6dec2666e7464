#include "cluster/group_load.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::vector<double> shares(std::vector<GroupHealth> groups) {
  std::vector<double> shares;
  double all = 0;
  for (const GroupLoad& load : loads_of(groups, 0.5)) {
    shares.push_back(load.share);
    all += load.share;
  }
  EXPECT_NEAR(all, 1, 1e-9);
  return shares;
}

std::vector<bool> panics(std::vector<GroupHealth> groups, double below) {
  std::vector<bool> panics;
  for (const GroupLoad& load : loads_of(groups, below)) panics.push_back(load.panics);
  return panics;
}

TEST(GroupLoad, goes_to_the_first_group_while_it_can_take_it) {
  EXPECT_EQ(shares({{10, 10}, {10, 10}}), (std::vector<double>{1, 0}));
  EXPECT_EQ(shares({{100, 72}, {10, 10}}), (std::vector<double>{1, 0}));
}

TEST(GroupLoad, spills_over_in_proportion_to_what_is_lost) {
  std::vector<double> half = shares({{10, 5}, {10, 10}});
  EXPECT_NEAR(half[0], 0.7, 1e-9);
  EXPECT_NEAR(half[1], 0.3, 1e-9);
  std::vector<double> three = shares({{10, 2}, {10, 4}, {10, 10}});
  EXPECT_NEAR(three[0], 0.28, 1e-9);
  EXPECT_NEAR(three[1], 0.56, 1e-9);
  EXPECT_NEAR(three[2], 0.16, 1e-9);
}

TEST(GroupLoad, leaves_out_what_is_gone) {
  EXPECT_EQ(shares({{10, 0}, {10, 10}}), (std::vector<double>{0, 1}));
  EXPECT_EQ(shares({{0, 0}, {10, 10}}), (std::vector<double>{0, 1}));
}

TEST(GroupLoad, is_shared_by_capacity_when_there_is_not_enough) {
  std::vector<double> few = shares({{10, 1}, {10, 3}});
  EXPECT_NEAR(few[0], 0.25, 1e-9);
  EXPECT_NEAR(few[1], 0.75, 1e-9);
}

TEST(GroupLoad, stays_with_the_first_group_that_has_endpoints_when_nothing_is_available) {
  EXPECT_EQ(shares({{0, 0}, {10, 0}, {10, 0}}), (std::vector<double>{0, 1, 0}));
  EXPECT_EQ(panics({{10, 0}, {10, 0}}, 0), (std::vector<bool>{true, true}));
}

TEST(GroupLoad, panics_only_where_less_than_the_threshold_is_available) {
  EXPECT_EQ(panics({{10, 4}}, 0.5), std::vector<bool>{true});
  EXPECT_EQ(panics({{10, 5}}, 0.5), std::vector<bool>{false});
  EXPECT_EQ(panics({{10, 1}}, 0), std::vector<bool>{false});
}

TEST(GroupLoad, does_not_panic_while_other_groups_take_what_is_missing) {
  EXPECT_EQ(panics({{10, 1}, {10, 9}}, 0.5), (std::vector<bool>{false, false}));
  EXPECT_EQ(panics({{10, 1}, {10, 6}}, 0.5), (std::vector<bool>{true, false}));
}

}  // namespace
}  // namespace weir

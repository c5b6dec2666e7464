#include "cluster/cluster.h"

#include <gtest/gtest.h>

#include <set>

namespace weir {
namespace {

WeightedAddress at(int last, std::uint32_t weight = 1) {
  return {*Address::parse("10.0.0." + std::to_string(last) + ":80"), weight};
}

TEST(Cluster, has_no_endpoints_before_its_first_update) {
  Cluster cluster("api");
  EXPECT_TRUE(cluster.endpoints()->endpoints.empty());
  EXPECT_EQ(cluster.version(), 0u);
}

TEST(Cluster, changes_its_version_only_when_the_set_changes) {
  Cluster cluster("api");
  cluster.update("", {at(1), at(2)});
  std::uint64_t version = cluster.version();
  cluster.update("", {at(1), at(2)});
  EXPECT_EQ(cluster.version(), version);
  cluster.update("", {at(1), at(3)});
  EXPECT_NE(cluster.version(), version);
}

TEST(Cluster, keeps_the_objects_of_endpoints_that_stay) {
  Cluster cluster("api");
  cluster.update("", {at(1), at(2)});
  auto before = cluster.endpoints();
  cluster.update("", {at(2), at(3)});
  auto after = cluster.endpoints();
  EXPECT_EQ(before->endpoints[1], after->endpoints[0]);
}

TEST(Cluster, counts_an_address_of_two_sources_once_with_the_larger_weight) {
  Cluster cluster("api");
  cluster.update("", {at(1, 2)});
  cluster.update("dns:api:80", {at(1, 5), at(2)});
  auto set = cluster.endpoints();
  ASSERT_EQ(set->endpoints.size(), 2u);
  EXPECT_EQ(set->weights[0], 5u);
}

TEST(Cluster, drops_the_endpoints_of_sources_that_are_gone) {
  Cluster cluster("api");
  cluster.update("", {at(1)});
  cluster.update("dns:api:80", {at(2)});
  cluster.keep_sources({""});
  ASSERT_EQ(cluster.endpoints()->endpoints.size(), 1u);
  EXPECT_EQ(cluster.endpoints()->endpoints[0]->address, at(1).address);
}

TEST(Cluster, puts_lower_levels_last_and_takes_the_higher_one_of_two_sources) {
  Cluster cluster("api");
  WeightedAddress backup = at(1), both = at(2);
  backup.placement.priority = both.placement.priority = 1;
  cluster.update("", {backup, both, at(3)});
  cluster.update("dns:api:80", {at(2)});
  auto set = cluster.endpoints();
  ASSERT_EQ(set->endpoints.size(), 3u);
  EXPECT_EQ(set->endpoints[2]->address, at(1).address);
  EXPECT_EQ(set->placements[1].priority, 0u);
  EXPECT_EQ(set->placements[2].priority, 1u);
}

TEST(Cluster, changes_its_set_when_the_policy_does) {
  Cluster cluster("api");
  cluster.update("", {at(1), at(2)});
  auto before = cluster.endpoints();
  cluster.set_policy({.algorithm = Balance::maglev});
  auto after = cluster.endpoints();
  EXPECT_NE(before->version, after->version);
  EXPECT_EQ(before->endpoints, after->endpoints);
  cluster.set_policy({.algorithm = Balance::maglev});
  EXPECT_EQ(cluster.version(), after->version);
}

TEST(Cluster, starts_slowly_only_what_joins_endpoints_in_use) {
  using namespace std::chrono_literals;
  Cluster cluster("api");
  cluster.set_policy({.slow_start = 30s});
  cluster.update("", {at(1)});
  cluster.update("dns:api:80", {at(2)});
  cluster.endpoints()->endpoints[0]->requests = 1;
  cluster.update("", {at(1), at(3)});
  auto set = cluster.endpoints();
  Random random(1);
  std::uint64_t cursor = 0;
  TimePoint now{1h};
  EXPECT_TRUE(set->pick({.random = random, .cursor = cursor, .now = now}));
  EXPECT_EQ(set->endpoints[0]->address, at(1).address);
  EXPECT_EQ(set->endpoints[0]->warmth(now, 30s), 1.0);
  EXPECT_EQ(set->endpoints[1]->address, at(3).address);
  EXPECT_EQ(set->endpoints[1]->warmth(now, 30s), 0.1);
  EXPECT_EQ(set->endpoints[1]->warmth(now + 30s, 30s), 1.0);
  EXPECT_EQ(set->endpoints[2]->warmth(now, 30s), 1.0);
}

TEST(Cluster, picks_what_is_available_and_anything_when_nothing_is) {
  Cluster cluster("api");
  WeightedAddress backup = at(3);
  backup.placement.priority = 1;
  cluster.update("", {at(1), at(2), backup});
  auto set = cluster.endpoints();
  Random random(1);
  std::uint64_t cursor = 0;
  auto picked = [&] {
    std::set<std::uint32_t> all;
    for (int i = 0; i < 100; ++i) all.insert(*set->pick({.random = random, .cursor = cursor}));
    return all;
  };
  using Picked = std::set<std::uint32_t>;
  cluster.set_away(*set->endpoints[0], Away::unhealthy, true);
  EXPECT_EQ(picked(), Picked({1, 2}));
  cluster.set_away(*set->endpoints[1], Away::ejected, true);
  EXPECT_EQ(picked(), Picked({2}));
  cluster.set_away(*set->endpoints[2], Away::disabled, true);
  EXPECT_EQ(picked(), Picked({0, 1}));
  cluster.set_away(*set->endpoints[0], Away::ejected, true);
  cluster.set_away(*set->endpoints[0], Away::unhealthy, false);
  cluster.set_away(*set->endpoints[1], Away::ejected, false);
  EXPECT_EQ(picked(), Picked({1}));
}

TEST(Cluster, starts_slowly_what_becomes_available_again) {
  using namespace std::chrono_literals;
  Cluster cluster("api");
  cluster.set_policy({.slow_start = 30s});
  cluster.update("", {at(1), at(2)});
  auto set = cluster.endpoints();
  Random random(1);
  std::uint64_t cursor = 0;
  TimePoint now{1h};
  EXPECT_TRUE(set->pick({.random = random, .cursor = cursor, .now = now}));
  cluster.set_away(*set->endpoints[0], Away::unhealthy, true);
  cluster.set_away(*set->endpoints[0], Away::unhealthy, false);
  EXPECT_TRUE(set->pick({.random = random, .cursor = cursor, .now = now}));
  EXPECT_EQ(set->endpoints[0]->warmth(now, 30s), 0.1);
  EXPECT_EQ(set->endpoints[1]->warmth(now, 30s), 1.0);
}

TEST(Cluster, takes_its_zone_first_on_each_level) {
  Cluster cluster("api");
  cluster.set_policy({.zone = "b"});
  WeightedAddress one = at(1), two = at(2), three = at(3), four = at(4);
  one.placement = {1, "b", {}};
  two.placement.zone = "a";
  three.placement.zone = "b";
  cluster.update("", {one, two, three, four});
  auto set = cluster.endpoints();
  std::vector<std::string> order;
  for (const auto& each : set->endpoints) order.push_back(each->text);
  EXPECT_EQ(order,
            (std::vector<std::string>{"10.0.0.3:80", "10.0.0.2:80", "10.0.0.4:80", "10.0.0.1:80"}));
}

TEST(Cluster, has_a_subset_for_as_long_as_somebody_holds_it) {
  Cluster cluster("api");
  cluster.update("", {at(1)});
  auto v1 = cluster.subset({{"version", "v1"}});
  EXPECT_EQ(cluster.subset({{"version", "v1"}}), v1);
  auto v2 = cluster.subset({{"version", "v2"}});
  EXPECT_NE(v1->number, v2->number);
  std::size_t freed = v1->number;
  v1.reset();
  EXPECT_EQ(cluster.subset({{"version", "v3"}})->number, freed);
}

TEST(Cluster, picks_from_a_subset_after_the_next_policy) {
  Cluster cluster("api");
  WeightedAddress labelled = at(2);
  labelled.placement.labels = {{"version", "v2"}};
  cluster.update("", {at(1), labelled});
  auto subset = cluster.subset({{"version", "v2"}});
  auto none = cluster.subset({{"version", "v9"}});
  cluster.set_policy({});
  auto set = cluster.endpoints();
  EXPECT_EQ(set->size_of(subset.get()), 1u);
  EXPECT_EQ(set->size_of(none.get()), 0u);
  Random random(1);
  std::uint64_t cursor = 0;
  PickFacts facts{.random = random, .cursor = cursor, .subset = subset.get()};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(set->pick(facts), 1u);
  facts.subset = none.get();
  EXPECT_FALSE(set->pick(facts));
}

}  // namespace
}  // namespace weir

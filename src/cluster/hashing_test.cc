#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "cluster/cluster.h"
#include "core/hash.h"

namespace weir {
namespace {

/// What consistent hashing promises, for the ring and for Maglev.
class Hashing : public testing::TestWithParam<Balance> {
 protected:
  static constexpr int kKeys = 40000;

  static WeightedAddress at(int number, std::uint32_t weight = 1) {
    std::string host = std::to_string(number / 250) + "." + std::to_string(number % 250);
    return {*Address::parse("10.0." + host + ":80"), weight};
  }
  static std::vector<WeightedAddress> numbered(int count) {
    std::vector<WeightedAddress> all;
    for (int i = 0; i < count; ++i) all.push_back(at(i));
    return all;
  }

  std::shared_ptr<const EndpointSet> set_of(std::vector<WeightedAddress> addresses,
                                            double max_load = 0) {
    Cluster cluster("api");
    cluster.set_policy({.algorithm = GetParam(), .max_load = max_load});
    cluster.update("", std::move(addresses));
    return cluster.endpoints();
  }
  std::string pick(const EndpointSet& set, int key, std::vector<std::uint32_t> excluded = {},
                   std::uint32_t in_flight = 0) {
    return set.endpoints[pick_index(set, key, excluded, in_flight)]->text;
  }
  std::uint32_t pick_index(const EndpointSet& set, int key, std::vector<std::uint32_t> excluded,
                           std::uint32_t in_flight) {
    return *set.pick({.random = random_,
                      .cursor = cursor_,
                      .excluded = excluded,
                      .hash = stable_hash("user-" + std::to_string(key)),
                      .in_flight = in_flight});
  }
  /// The share of keys that move without need: neither from `gone` nor to `came`.
  double moved(const EndpointSet& before, const EndpointSet& after, const std::string& gone,
               const std::string& came = "") {
    int count = 0;
    for (int key = 0; key < kKeys; ++key) {
      std::string old = pick(before, key), now = pick(after, key);
      if (old != now && old != gone && now != came) ++count;
    }
    return count / double{kKeys};
  }
  double without_need() const { return GetParam() == Balance::ring ? 0 : 0.03; }

  Random random_{1};
  std::uint64_t cursor_ = 0;
};

TEST_P(Hashing, keeps_a_key_on_its_endpoint) {
  auto set = set_of(numbered(5));
  for (int key = 0; key < 100; ++key) {
    std::string first = pick(*set, key);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(pick(*set, key), first);
  }
}

TEST_P(Hashing, spreads_keys_evenly) {
  for (int count : {3, 50}) {
    auto set = set_of(numbered(count));
    std::map<std::string, int> keys;
    for (int key = 0; key < kKeys * 5; ++key) ++keys[pick(*set, key)];
    for (const auto& [text, has] : keys) {
      EXPECT_NEAR(has * count / (kKeys * 5.0), 1.0, GetParam() == Balance::ring ? 0.15 : 0.06);
    }
  }
}

TEST_P(Hashing, moves_only_the_keys_of_an_endpoint_that_goes) {
  auto fewer = numbered(20);
  fewer.erase(fewer.begin() + 7);
  EXPECT_LE(moved(*set_of(numbered(20)), *set_of(fewer), "10.0.0.7:80"), without_need());
}

TEST_P(Hashing, moves_keys_only_to_an_endpoint_that_comes) {
  EXPECT_LE(moved(*set_of(numbered(20)), *set_of(numbered(21)), "", "10.0.0.20:80"),
            without_need());
}

TEST_P(Hashing, moves_few_keys_when_a_weight_changes) {
  auto weighty = numbered(20), heavier = weighty;
  for (auto& each : weighty) each.weight = 100;
  heavier = weighty;
  heavier[3].weight = 120;
  EXPECT_LE(moved(*set_of(weighty), *set_of(heavier), "", "10.0.0.3:80"), without_need());
}

TEST_P(Hashing, does_not_depend_on_the_order_of_the_endpoints) {
  auto backwards = numbered(20);
  std::ranges::reverse(backwards);
  EXPECT_EQ(moved(*set_of(numbered(20)), *set_of(backwards), ""), 0);
}

TEST_P(Hashing, brings_the_keys_of_an_excluded_endpoint_always_to_the_same_others) {
  auto set = set_of(numbered(10));
  std::map<std::string, int> others;
  for (int key = 0; key < 5000; ++key) {
    if (pick(*set, key) != set->endpoints[4]->text) continue;
    std::string other = pick(*set, key, {4});
    EXPECT_NE(other, set->endpoints[4]->text);
    EXPECT_EQ(pick(*set, key, {4}), other);
    ++others[other];
  }
  EXPECT_EQ(others.size(), 9u);  // not all on one neighbour
}

TEST_P(Hashing, spreads_requests_without_a_key) {
  auto set = set_of(numbered(4));
  std::map<std::uint32_t, int> picked;
  for (int i = 0; i < 8000; ++i) {
    ++picked[*set->pick({.random = random_, .cursor = cursor_})];
  }
  for (const auto& [index, count] : picked) EXPECT_NEAR(count, 2000, 400);
}

// --- bounded load ------------------------------------------------------------------------------

TEST_P(Hashing, keeps_every_endpoint_within_its_bound) {
  auto set = set_of(numbered(10), 1.25);
  // Half of all requests are for one key; 200 are under way.
  std::vector<std::uint32_t> under_way;
  for (int i = 0; i < 20000; ++i) {
    auto total = static_cast<std::uint32_t>(under_way.size());
    std::uint32_t index = pick_index(*set, i % 2 == 0 ? 0 : i, {}, total);
    ++set->endpoints[index]->in_flight;
    EXPECT_LE(set->endpoints[index]->in_flight, 1.25 * (total + 1) / 10 + 1);
    under_way.push_back(index);
    if (under_way.size() <= 200) continue;
    std::size_t ends = random_.below(under_way.size());
    --set->endpoints[under_way[ends]]->in_flight;
    under_way[ends] = under_way.back();
    under_way.pop_back();
  }
}

TEST_P(Hashing, takes_a_key_away_only_from_an_endpoint_that_has_too_much) {
  auto set = set_of(numbered(10), 1.25);
  auto unbounded = set_of(numbered(10));
  set->endpoints[2]->in_flight = 30;
  for (int key = 0; key < 5000; ++key) {
    std::string home = pick(*unbounded, key);
    std::string now = pick(*set, key, {}, 100);
    if (home == set->endpoints[2]->text) {
      EXPECT_NE(now, home);
    } else {
      EXPECT_EQ(now, home);
    }
  }
}

TEST_P(Hashing, gives_a_heavier_endpoint_a_higher_bound) {
  auto set = set_of({at(0, 1), at(1, 9)}, 1.25);
  set->endpoints[0]->in_flight = 12;  // of 100: 12.6 is its bound, that of the other 113
  set->endpoints[1]->in_flight = 88;
  std::map<std::string, int> picked;
  for (int key = 0; key < 1000; ++key) ++picked[pick(*set, key, {}, 100)];
  EXPECT_GT(picked[set->endpoints[0]->text], 0);
  EXPECT_GT(picked[set->endpoints[1]->text], 0);
  set->endpoints[0]->in_flight = 13;
  for (int key = 0; key < 1000; ++key) {
    EXPECT_EQ(pick(*set, key, {}, 101), set->endpoints[1]->text);
  }
}

TEST_P(Hashing, uses_an_endpoint_above_its_bound_when_there_is_no_other) {
  auto set = set_of(numbered(2), 1.25);
  set->endpoints[0]->in_flight = 1000;
  EXPECT_EQ(pick(*set, 1, {1}, 1000), set->endpoints[0]->text);
}

INSTANTIATE_TEST_SUITE_P(Balance, Hashing, testing::Values(Balance::ring, Balance::maglev),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

}  // namespace
}  // namespace weir

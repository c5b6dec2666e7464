#include "upstream/split.h"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "io/sim/loop.h"

namespace weir {
namespace {

SplitEntryConfig entry(std::string upstream, std::uint32_t weight, std::string when = {}) {
  SplitEntryConfig config;
  config.upstream.value = std::move(upstream);
  config.weight = weight;
  config.when.value = std::move(when);
  return config;
}

class UpstreamSplitTest : public ::testing::Test {
 protected:
  std::vector<config::Located<std::string>> sticky(const std::vector<std::string>& values) {
    std::vector<config::Located<std::string>> located;
    for (const std::string& value : values) located.push_back({value});
    return located;
  }
  UpstreamSplit split(const std::vector<SplitEntryConfig>& entries,
                      const std::vector<std::string>& by = {}) {
    config::Diagnostics diagnostics;
    return {entries, sticky(by), diagnostics};
  }
  using Fields = std::vector<std::pair<std::string, std::string>>;
  std::size_t pick(const UpstreamSplit& split, const Fields& fields = {}, Loop* loop = nullptr) {
    ConnectionFacts facts{*Address::parse("192.0.2.7:4711"), "front", false};
    Exchange exchange(loop != nullptr ? *loop : loop_, facts, {});
    exchange.set_client_ip(facts.peer.ip());
    for (const auto& [name, value] : fields) exchange.request().headers.add(name, value);
    std::size_t picked = split.pick(exchange);
    exchange.finish_idle();
    return picked;
  }
  std::map<std::string, std::size_t> homes(const UpstreamSplit& split, int users) {
    std::map<std::string, std::size_t> homes;
    for (int i = 0; i < users; ++i) {
      std::string user = "user-" + std::to_string(i);
      homes[user] = pick(split, {{"Cookie", "user=" + user}});
    }
    return homes;
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
};

// --- in turn -----------------------------------------------------------------------------------

TEST_F(UpstreamSplitTest, gives_each_its_weight_in_every_round) {
  UpstreamSplit canary = split({entry("api", 95), entry("canary", 5)});
  for (int round = 0; round < 100; ++round) {
    int picked = 0;
    for (int i = 0; i < 20; ++i) picked += pick(canary) == 1;
    EXPECT_EQ(picked, 1);
  }
}

TEST_F(UpstreamSplitTest, gives_each_its_weight_whatever_the_weights_are) {
  for (std::vector<std::uint32_t> weights : {std::vector<std::uint32_t>{1},
                                             {1, 1},
                                             {1, 2, 3},
                                             {0, 7},
                                             {7, 0, 4},
                                             {1000, 1},
                                             {618, 382},
                                             {6, 4}}) {
    std::vector<SplitEntryConfig> entries;
    std::uint32_t total = 0;
    for (std::uint32_t weight : weights) {
      entries.push_back(entry("u" + std::to_string(entries.size()), weight));
      total += weight;
    }
    UpstreamSplit by_weight = split(entries);
    std::vector<std::uint32_t> count(weights.size());
    for (std::uint32_t i = 0; i < total; ++i) ++count[pick(by_weight)];
    EXPECT_EQ(count, weights);
  }
}

TEST_F(UpstreamSplitTest, spreads_the_turns_of_an_upstream_over_a_round) {
  UpstreamSplit canary = split({entry("api", 93), entry("canary", 7)});
  int since = 0;
  while (pick(canary) != 1) continue;
  for (int picked = 0; picked < 50;) {
    ++since;
    if (pick(canary) != 1) continue;
    EXPECT_GE(since, 4);  // 14 on average
    EXPECT_LE(since, 28);
    since = 0;
    ++picked;
  }
}

TEST_F(UpstreamSplitTest, takes_turns_on_each_worker_by_itself) {
  SimLoop& other = world_.add_loop();
  UpstreamSplit halves = split({entry("a", 1), entry("b", 1)});
  for (int i = 0; i < 10; ++i) {
    std::size_t first = pick(halves), first_there = pick(halves, {}, &other);
    EXPECT_NE(pick(halves), first);
    EXPECT_NE(pick(halves, {}, &other), first_there);
  }
}

// --- by key ------------------------------------------------------------------------------------

TEST_F(UpstreamSplitTest, keeps_a_client_where_it_is) {
  UpstreamSplit canary = split({entry("api", 80), entry("canary", 20)}, {"cookie.user"});
  auto before = homes(canary, 200);
  EXPECT_EQ(homes(canary, 200), before);
  EXPECT_EQ(homes(split({entry("api", 80), entry("canary", 20)}, {"cookie.user"}), 200), before);
}

TEST_F(UpstreamSplitTest, gives_each_about_its_share_of_the_clients) {
  constexpr int kUsers = 20'000;
  std::vector<int> count(3);
  auto by_key = split({entry("a", 70), entry("b", 25), entry("c", 5)}, {"cookie.user"});
  for (const auto& [user, home] : homes(by_key, kUsers)) ++count[home];
  EXPECT_NEAR(count[0], 0.70 * kUsers, 0.015 * kUsers);  // 4.6 standard deviations
  EXPECT_NEAR(count[1], 0.25 * kUsers, 0.015 * kUsers);
  EXPECT_NEAR(count[2], 0.05 * kUsers, 0.008 * kUsers);
}

TEST_F(UpstreamSplitTest, moves_only_the_clients_that_another_weight_makes_move) {
  auto with = [&](std::uint32_t api, std::uint32_t canary) {
    return homes(split({entry("api", api), entry("canary", canary)}, {"cookie.user"}), 5000);
  };
  auto before = with(95, 5), after = with(90, 10);
  int came = 0;
  for (const auto& [user, home] : before) {
    if (home == 1) EXPECT_EQ(after[user], 1u) << user << " left the canary when it grew";
    came += home == 0 && after[user] == 1;
  }
  EXPECT_NEAR(came, 250, 75);
  EXPECT_EQ(with(9, 1), after) << "only the proportion counts";
  EXPECT_EQ(
      homes(split({entry("canary", 10), entry("api", 90)}, {"cookie.user"}), 1).begin()->second,
      1 - after.begin()->second)
      << "the order of the entries says nothing";
}

TEST_F(UpstreamSplitTest, goes_by_the_first_value_that_the_request_has) {
  UpstreamSplit by = split({entry("a", 1), entry("b", 1)}, {"cookie.user", "header.x-device"});
  for (int i = 0; i < 20; ++i) {
    std::string name = std::to_string(i);
    EXPECT_EQ(pick(by, {{"X-Device", name}}), pick(by, {{"Cookie", "user=" + name}}));
  }
}

TEST_F(UpstreamSplitTest, takes_turns_for_a_client_without_a_key) {
  UpstreamSplit canary = split({entry("api", 9), entry("canary", 1)}, {"cookie.user"});
  int picked = 0;
  for (int i = 0; i < 100; ++i) picked += pick(canary) == 1;
  EXPECT_EQ(picked, 10);
}

// --- by condition ------------------------------------------------------------------------------

TEST_F(UpstreamSplitTest, obeys_a_condition_before_key_and_weight) {
  UpstreamSplit canary =
      split({entry("api", 1), entry("canary", 0, R"(header.x-canary == "always")"),
             entry("next", 0, "present(header.x-canary)")},
            {"client_ip"});
  EXPECT_EQ(pick(canary), 0u);
  EXPECT_EQ(pick(canary, {{"X-Canary", "always"}}), 1u);
  EXPECT_EQ(pick(canary, {{"X-Canary", "now"}}), 2u);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(pick(canary), 0u);
}

TEST_F(UpstreamSplitTest, says_what_is_wrong_with_conditions_and_keys) {
  config::Diagnostics diagnostics;
  UpstreamSplit wrong({entry("a", 1, "status == 200"), entry("b", 1, "header.")},
                      sticky({"shoe_size"}), diagnostics);
  EXPECT_EQ(diagnostics.error_count(), 3u);
}

}  // namespace
}  // namespace weir

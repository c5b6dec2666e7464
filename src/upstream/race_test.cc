#include "upstream/race.h"

#include <gmock/gmock.h>

#include "upstream/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::break_off;
using test::Got;
using test::kHello;
using test::listen_on;
using test::pause;
using test::read_head;
using test::say;
using test::Script;

class RaceTest : public test::UpstreamFixture {
 protected:
  RaceTest() { options_.retries.hedge.after = 50ms; }
  void restart() {
    end();
    addresses_.clear();
    origins_.clear();
    begin(1);
    options_.retries.hedge.after = 50ms;
  }
  RetryPolicy& policy() { return options_.retries; }
  /// Each request is answered after `time`.
  static Script late(Duration time, std::string_view text = kHello, int times = 9) {
    Script script;
    for (int i = 0; i < times; ++i) {
      script.insert(script.end(), {read_head(), pause(time), say(std::string(text))});
    }
    script.push_back(listen_on());
    return script;
  }
  std::uint64_t counted(Counter RetryCounters::* which) {
    RetryCounters sum;
    cluster_->retries().add_to(sum);
    return (sum.*which).value();
  }
};

TEST_F(RaceTest, asks_a_second_endpoint_when_the_first_is_late) {
  auto& slow = origin({late(5s)});
  auto& quick = origin({answers(kHello, 9)});
  Got got = send();
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.endpoint, quick.address());
  EXPECT_GE(got.took, 50ms);
  EXPECT_LT(got.took, 60ms);
  EXPECT_EQ(got.attempts, 2);
  EXPECT_EQ(slow.requests(), 1u);
  EXPECT_EQ(counted(&RetryCounters::hedged), 1u);
  EXPECT_EQ(counted(&RetryCounters::hedges_won), 1u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(RaceTest, asks_nobody_else_when_the_first_is_in_time) {
  origin({late(45ms)});
  origin({late(45ms)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send().attempts, 1);
  EXPECT_EQ(counted(&RetryCounters::hedged), 0u);
}

TEST_F(RaceTest, takes_the_first_after_all_if_it_answers_before_the_second) {
  auto& late_one = origin({late(80ms)});
  auto& later = origin({late(5s)});
  Got got = send();
  EXPECT_EQ(got.endpoint, late_one.address());
  EXPECT_LT(got.took, 90ms);
  EXPECT_EQ(later.requests(), 1u);
  EXPECT_EQ(counted(&RetryCounters::hedges_won), 0u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(RaceTest, closes_the_connection_of_the_one_that_lost_and_keeps_the_other) {
  auto& slow = origin({late(5s), answers(kHello, 9)});
  auto& quick = origin({late(60ms)});
  send();
  send();
  EXPECT_EQ(quick.connections(), 1u);
  send();
  EXPECT_EQ(slow.connections(), 2u);
}

TEST_F(RaceTest, joins_a_connect_that_hangs) {
  world_->network().black_hole(endpoint("10.0.9.1:80"));
  origin({answers(kHello, 9)});
  Got got = send();
  EXPECT_EQ(got.body, "hello");
  EXPECT_LT(got.took, 60ms);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(RaceTest, waits_for_the_second_when_the_first_fails_meanwhile) {
  origin({{read_head(), pause(70ms), break_off()}});
  auto& second = origin({late(60ms)});
  Got got = send();
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.endpoint, second.address());
  EXPECT_EQ(second.requests(), 1u);
  EXPECT_EQ(counted(&RetryCounters::made), 0u);
}

TEST_F(RaceTest, tries_again_when_both_have_failed) {
  policy().attempts = 3;
  origin({{read_head(), pause(70ms), break_off()}});
  origin({{read_head(), pause(70ms), break_off()}});
  auto& third = origin({answers(kHello, 9)});
  Got got = send();
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.endpoint, third.address());
  EXPECT_EQ(got.attempts, 3);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(RaceTest, takes_no_response_that_counts_as_a_failure_while_another_may_come) {
  policy().statuses.set(503 - RetryPolicy::kFirstStatus);
  policy().on_responses = true;
  origin({late(60ms, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")});
  auto& second = origin({late(60ms)});
  Got got = send();
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.endpoint, second.address());
}

TEST_F(RaceTest, never_sends_twice_what_is_not_safe_or_has_a_body) {
  for (auto [method, body] : {std::pair{"POST", ""}, {"PUT", ""}, {"DELETE", ""}, {"GET", "b"}}) {
    restart();
    origin({late(200ms)});
    origin({late(200ms)});
    EXPECT_EQ(send({.method = method, .body = body}).attempts, 1) << method;
  }
}

TEST_F(RaceTest, hedges_no_more_than_the_budget_allows) {
  policy().budget = RetryBudgetTerms{.share = 0.1, .min_per_second = 0};
  origin({late(80ms, kHello, 200)});
  origin({late(80ms, kHello, 200)});
  for (int i = 0; i < 200; ++i) send();
  EXPECT_LE(counted(&RetryCounters::hedged), 20u);
  EXPECT_GE(counted(&RetryCounters::hedged), 10u);
}

TEST_F(RaceTest, asks_no_endpoint_twice_at_a_time) {
  auto& only = origin({late(200ms)});
  EXPECT_EQ(send().attempts, 1);
  EXPECT_EQ(only.requests(), 1u);
}

TEST_F(RaceTest, goes_by_how_long_responses_took) {
  policy().hedge = {.after = 0ms, .percentile = 90};
  policy().attempts = 2;
  Script mostly_quick = late(10ms, kHello, 60);
  for (Script more = late(1s, kHello, 9); const auto& step : more) mostly_quick.push_back(step);
  mostly_quick.erase(mostly_quick.begin() + 180);  // listens no more in the middle
  origin({mostly_quick});
  origin({late(10ms, kHello, 300)});
  for (int i = 0; i < 120; ++i) EXPECT_EQ(send().attempts, 1) << i;
  Got got = send();
  EXPECT_EQ(got.attempts, 2);
  EXPECT_LT(got.took, 40ms);
}

TEST_F(RaceTest, passes_no_interim_response_on_while_two_are_under_way) {
  std::string early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + std::string(kHello);
  origin({late(80ms, early)});
  origin({late(5s)});
  EXPECT_EQ(send().body, "hello");
}

TEST_F(RaceTest, ends_both_when_the_client_goes) {
  origin({late(5s)});
  origin({late(5s)});
  Got got = send({.leaves = 200ms});
  EXPECT_EQ(got.error.code, ErrorCode::client_gone);
  EXPECT_EQ(got.attempts, 2);
  EXPECT_EQ(in_flight(), 0u);
}

}  // namespace
}  // namespace weir

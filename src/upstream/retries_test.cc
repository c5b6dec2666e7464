#include "upstream/retries.h"

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
using test::read_bytes;
using test::read_head;
using test::say;
using test::Script;

constexpr std::string_view kBusy =
    "HTTP/1.1 503 Busy\r\nX-From: origin\r\nContent-Length: 4\r\n\r\nbusy";

class RetriesTest : public test::UpstreamFixture {
 protected:
  RetryPolicy& policy() { return options_.retries; }
  void repeat_after(std::initializer_list<std::uint16_t> statuses) {
    for (std::uint16_t each : statuses) policy().statuses.set(each - RetryPolicy::kFirstStatus);
    policy().on_responses = true;
  }
  void only_after(RetryOn condition) { policy().on = static_cast<std::uint8_t>(condition); }
  void restart() {
    end();
    addresses_.clear();
    begin(1);
  }
  std::uint64_t counted(Counter RetryCounters::* which) {
    RetryCounters sum;
    cluster_->retries().add_to(sum);
    return (sum.*which).value();
  }
  std::size_t requests() const {
    std::size_t sum = 0;
    for (const auto& each : origins_) sum += each->requests();
    return sum;
  }
};

// --- where to ----------------------------------------------------------------------------------

TEST_F(RetriesTest, go_to_an_ejected_endpoint_rather_than_to_one_that_has_just_failed) {
  endpoint("10.9.9.9:80");  // nobody listens
  origin({answers(kHello, 9)});
  Endpoint& good = *cluster_->endpoints()->endpoints[1];
  cluster_->set_away(good, Away::ejected, true);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send().body, "hello");
  cluster_->set_away(good, Away::unhealthy, true);
  EXPECT_EQ(send().error.code, ErrorCode::refused) << "its check says that it is down";
}

// --- conditions --------------------------------------------------------------------------------

TEST_F(RetriesTest, repeats_a_status_that_is_named_and_no_other) {
  repeat_after({503});
  auto& bad = origin({answers(kBusy, 9)});
  auto& good = origin({answers(kHello, 9)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send().body, "hello");
  EXPECT_EQ(bad.requests(), 4u) << "each second pick is that of another attempt";
  EXPECT_EQ(good.requests(), 4u);
  EXPECT_EQ(counted(&RetryCounters::made), 4u);
  policy().statuses.reset();
  repeat_after({502, 504});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(send().attempts, 1);
}

TEST_F(RetriesTest, keeps_the_connection_of_a_response_that_it_does_not_want) {
  repeat_after({503});
  auto& bad = origin({answers(kBusy, 9)});
  origin({answers(kHello, 9)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send().status, 200);
  EXPECT_EQ(bad.requests(), 4u);
  EXPECT_EQ(bad.connections(), 1u);
}

TEST_F(RetriesTest, closes_a_connection_whose_response_has_not_all_come) {
  repeat_after({503});
  auto& bad =
      origin({{read_head(), say("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nb"), listen_on()}});
  origin({answers(kHello, 9)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send().status, 200);
  EXPECT_EQ(bad.connections(), 4u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(RetriesTest, passes_on_the_last_response_whatever_it_says) {
  repeat_after({503});
  origin({answers(kBusy, 9)});
  origin({answers(kBusy, 9)});
  Got got = send();
  EXPECT_EQ(got.status, 503);
  EXPECT_EQ(got.body, "busy");
  EXPECT_EQ(got.attempts, 2);
  EXPECT_EQ(counted(&RetryCounters::made), 1u);
  EXPECT_EQ(counted(&RetryCounters::exhausted), 1u);
}

TEST_F(RetriesTest, never_repeats_for_its_status_what_is_not_idempotent) {
  repeat_after({503});
  origin({answers(kBusy, 9)});
  origin({answers(kBusy, 9)});
  for (std::string method : {"POST", "PATCH", "BREW"}) {
    Got got = send({.method = method});
    EXPECT_EQ(got.status, 503);
    EXPECT_EQ(got.attempts, 1);
  }
  EXPECT_EQ(send({.method = "DELETE"}).attempts, 2);
}

TEST_F(RetriesTest, repeats_only_after_what_is_named) {
  struct Case {
    RetryOn on;
    Script script;
    bool connects = true;
  };
  const Case cases[] = {{RetryOn::connect, {}, false},
                        {RetryOn::reset, {read_head(), break_off()}},
                        {RetryOn::timeout, {read_head(), listen_on()}}};
  for (const Case& failure : cases) {
    for (const Case& allowed : cases) {
      restart();
      only_after(allowed.on);
      for (int i = 0; i < 2; ++i) {
        if (failure.connects) {
          origin({failure.script});
        } else {
          world_->network().refuse(endpoint("10.0.9." + std::to_string(i + 1) + ":80"));
        }
      }
      Got got = send();
      EXPECT_NE(got.error.code, ErrorCode::none);
      EXPECT_EQ(got.attempts, failure.on == allowed.on ? 2 : 1);
    }
  }
}

TEST_F(RetriesTest, replaces_a_stale_connection_whatever_is_named) {
  policy().on = 0;
  policy().attempts = 1;
  origin({{read_head(), say(std::string(kHello)), read_head()}, answers(kHello)});
  EXPECT_EQ(send().body, "hello");
  EXPECT_EQ(send().body, "hello");
  EXPECT_EQ(counted(&RetryCounters::made), 0u);
}

// --- time --------------------------------------------------------------------------------------

TEST_F(RetriesTest, gives_an_attempt_so_long_and_no_longer) {
  policy().per_try = 300ms;
  auto& hangs = origin({{read_head(), listen_on()}});
  origin({answers(kHello, 9)});
  for (int i = 0; i < 2; ++i) {
    Got got = send();
    EXPECT_EQ(got.body, "hello");
    EXPECT_LT(got.took, 400ms);
  }
  EXPECT_EQ(hangs.requests(), 2u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(RetriesTest, counts_connecting_into_the_time_of_an_attempt) {
  policy().per_try = 300ms;
  world_->network().black_hole(endpoint("10.0.9.1:80"));
  origin({answers(kHello, 9)});
  for (int i = 0; i < 2; ++i) {
    Got got = send({.method = "POST"});
    EXPECT_EQ(got.body, "hello");
    EXPECT_LT(got.took, 400ms);
  }
}

TEST_F(RetriesTest, lets_a_body_take_longer_than_an_attempt_may) {
  policy().per_try = 300ms;
  origin({{read_head(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), pause(2s),
           say("llo"), listen_on()}});
  EXPECT_EQ(send().body, "hello");
}

TEST_F(RetriesTest, answers_504_when_every_attempt_took_too_long) {
  policy().per_try = 100ms;
  policy().attempts = 3;
  for (int i = 0; i < 3; ++i) origin({{read_head(), listen_on()}});
  Got got = send();
  EXPECT_EQ(got.shown, 504);
  EXPECT_EQ(got.attempts, 3);
  EXPECT_GE(got.took, 300ms);
  EXPECT_LT(got.took, 400ms);
  EXPECT_EQ(send({.method = "POST"}).attempts, 1) << "it may have reached the origin";
}

TEST_F(RetriesTest, pauses_longer_each_time_and_never_longer_than_the_most) {
  policy().attempts = 6;
  policy().backoff = 100ms;
  policy().most_backoff = 400ms;
  for (int i = 0; i < 6; ++i)
    world_->network().refuse(endpoint("10.0.9." + std::to_string(i + 1) + ":80"));
  Got got = send();
  EXPECT_EQ(got.attempts, 6);
  EXPECT_GE(got.took, (100ms + 200ms + 400ms + 400ms + 400ms) / 2);
  EXPECT_LE(got.took, 100ms + 200ms + 400ms + 400ms + 400ms + 50ms);
}

TEST_F(RetriesTest, waits_as_long_as_the_only_origin_asks_and_no_longer_than_it_may) {
  for (auto [most, status] : {std::pair{Duration(5s), 200}, {Duration(1s), 503}}) {
    restart();
    repeat_after({503});
    policy().backoff = 100ms;
    policy().most_backoff = most;
    origin({{read_head(), say("HTTP/1.1 503 B\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"),
             read_head(), say(std::string(kHello)), listen_on()}});
    Got got = send();
    EXPECT_EQ(got.status, status);
    EXPECT_EQ(got.took >= 2s, status == 200);
  }
}

TEST_F(RetriesTest, asks_another_endpoint_at_once_whatever_the_first_asks) {
  repeat_after({503});
  origin({answers("HTTP/1.1 503 B\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n", 9)});
  origin({answers(kHello, 9)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send().status, 200);
}

TEST_F(RetriesTest, sends_nothing_after_the_deadline) {
  auto& a = origin({answers(kHello, 9)});
  Got got = send({.within = -1ms});
  EXPECT_EQ(got.error.code, ErrorCode::timeout);
  EXPECT_EQ(got.shown, 504);
  EXPECT_EQ(got.attempts, 0);
  EXPECT_EQ(a.connections(), 0u);
  EXPECT_EQ(counted(&RetryCounters::late), 1u);
}

TEST_F(RetriesTest, does_not_pause_beyond_the_deadline) {
  policy().backoff = policy().most_backoff = 1s;
  world_->network().refuse(endpoint("10.0.9.1:80"));
  Got got = send({.within = 400ms});
  EXPECT_EQ(got.error.code, ErrorCode::refused);
  EXPECT_EQ(got.attempts, 1);
  EXPECT_LT(got.took, 100ms);
}

TEST_F(RetriesTest, tells_each_origin_what_is_left_of_the_time) {
  policy().attempts = 3;
  policy().backoff = policy().most_backoff = 1s;
  auto& a = origin({{read_head(), break_off()}});
  auto& b = origin({{read_head(), break_off()}});
  send({.within = 30s});
  auto left = [](const test::ScriptedOrigin& of) {
    std::string_view text = of.received();
    text.remove_prefix(text.find("X-Request-Timeout: ") + 19);
    return parse_request_timeout(text.substr(0, text.find('\r'))).value_or(0s);
  };
  EXPECT_LE(std::max(left(a), left(b)), 30s);
  EXPECT_GE(std::max(left(a), left(b)), 29900ms);
  EXPECT_LE(std::min(left(a), left(b)), 29500ms);
  EXPECT_GE(std::min(left(a), left(b)), 28900ms);
}

// --- the budget --------------------------------------------------------------------------------

TEST_F(RetriesTest, repeats_no_more_than_the_budget_allows) {
  policy().budget = RetryBudgetTerms{.share = 0.2, .min_per_second = 1};
  origin({{read_head(), break_off()}});
  for (int i = 0; i < 200; ++i) {
    send();
    world_->run_for(20ms);
  }
  EXPECT_EQ(counted(&RetryCounters::made) + counted(&RetryCounters::over_budget), 200u);
  EXPECT_LE(counted(&RetryCounters::made), 200u / 5 + 10 + 4 + 2);
  EXPECT_GE(counted(&RetryCounters::made), 200u / 5 - 10);
  EXPECT_EQ(requests(), 200 + counted(&RetryCounters::made));
}

TEST_F(RetriesTest, goes_on_past_endpoints_that_cannot_be_reached_without_a_budget) {
  policy().budget = RetryBudgetTerms{.share = 0, .min_per_second = 0};
  world_->network().refuse(endpoint("10.0.9.1:80"));
  origin({answers(kHello, 99)});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send().status, 200);
  EXPECT_EQ(counted(&RetryCounters::made), 20u);
}

TEST_F(RetriesTest, passes_a_response_on_when_a_limit_refuses_another_attempt) {
  repeat_after({503});
  options_.admission.breaker.max_retries = 1;
  cluster_->admission()->retries = 1;  // of another request
  origin({answers(kBusy, 9)});
  origin({answers(kHello, 9)});
  int busy = 0;
  for (int i = 0; i < 4; ++i) {
    Got got = send();
    EXPECT_EQ(got.attempts, 1);
    if (got.status == 503) ++busy;
    EXPECT_EQ(got.body, got.status == 503 ? "busy" : "hello");
  }
  EXPECT_EQ(busy, 2);
  cluster_->admission()->retries = 0;
}

TEST_F(RetriesTest, takes_the_place_of_the_attempt_before) {
  repeat_after({503});
  options_.admission.breaker.max_requests = 1;
  origin({answers(kBusy, 9)});
  origin({answers(kHello, 9)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(send().body, "hello");
  EXPECT_EQ(cluster_->admission()->requests, 0u);
}

// --- bodies ------------------------------------------------------------------------------------

TEST_F(RetriesTest, sends_a_recorded_body_again) {
  policy().body_limit = 100;
  policy().attempts = 3;
  Script breaks = {read_head(), read_bytes(7), break_off()};
  Script takes = {read_head(), read_bytes(7), say(std::string(kHello)), listen_on()};
  auto& a = origin({breaks, takes});
  auto& b = origin({breaks, takes});
  Got got = send({.method = "PUT", .body = "content"});
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.attempts, 3);
  EXPECT_TRUE(a.received().ends_with("\r\n\r\ncontent"));
  EXPECT_TRUE(b.received().ends_with("\r\n\r\ncontent"));
}

TEST_F(RetriesTest, sends_a_body_above_the_limit_once) {
  for (std::size_t limit : {6u, 7u}) {
    restart();
    policy().body_limit = limit;
    origin({{read_head(), read_bytes(7), break_off()}});
    origin({{read_head(), read_bytes(7), break_off()}});
    Got got = send({.method = "PUT", .body = "content"});
    EXPECT_EQ(got.error.code, ErrorCode::reset);
    EXPECT_EQ(got.attempts, limit == 7 ? 2 : 1);
  }
}

TEST_F(RetriesTest, never_repeats_a_post_that_was_sent_recorded_or_not) {
  policy().body_limit = 100;
  origin({{read_head(), read_bytes(7), break_off()}});
  origin({{read_head(), read_bytes(7), break_off()}});
  EXPECT_EQ(send({.method = "POST", .body = "content"}).attempts, 1);
  EXPECT_EQ(requests(), 1u);
}

}  // namespace
}  // namespace weir

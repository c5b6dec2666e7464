#include "middleware/rate_limit.h"

#include <gmock/gmock.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Answers "well".
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Response response(exchange.arena());
    response.body = exchange.own<MemoryBody>(Slice::unowned("well"));
    co_return response;
  }
};

/// The limit around a service as a session runs it, and the reason that the log would show.
class Limited final : public Handler {
 public:
  Limited(const Middleware& limit, const Handler& service) : limit_(limit), service_(service) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    exchange.at_end([this](Exchange& ended) { reason = ended.outcome().error.code; });
    co_return co_await limit_.handle(exchange, Next({}, service_));
  }

  mutable ErrorCode reason = ErrorCode::none;

 private:
  const Middleware& limit_;
  const Handler& service_;
};

class RateLimitTest : public ::testing::Test {
 protected:
  RateLimitTest() { config_.rate = config::Rate{2, 10s}; }

  BuildParts parts() { return {upstreams_, states_, declared_, diagnostics_, "route test"}; }

  /// As a reload does: the middleware before goes when the next one is there.
  void reload() {
    auto fresh = std::make_unique<RateLimitMiddleware>(config_, parts());
    middleware_ = std::move(fresh);
    EXPECT_TRUE(diagnostics_.ok()) << diagnostics_.render();
  }

  test::Answer ask(test::Asked asked = {}) { return ask_at(loop_, std::move(asked)); }
  test::Answer ask_at(SimLoop& loop, test::Asked asked = {}) {
    if (!middleware_) reload();
    Limited limited(*middleware_, service_);
    test::Answer answer = test::run(loop, test::answer_of(loop, limited, std::move(asked)));
    reason_ = limited.reason;
    return answer;
  }
  test::Answer ask_from(std::string peer) { return ask({.peer = std::move(peer)}); }
  void wait(Duration time) { test::run(loop_, sleep(loop_, time)); }
  static Task<void> sleep(Loop& loop, Duration time) { (void)co_await loop.sleep_for(time); }

  std::shared_ptr<RateBudgets> budgets() { return states_.all<RateBudgets>().at(0).second; }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  Service service_;
  Upstreams upstreams_;
  NamedStates states_;
  NamedStates declared_;
  config::Diagnostics diagnostics_;
  RateLimitUseConfig config_;
  std::unique_ptr<RateLimitMiddleware> middleware_;
  ErrorCode reason_ = ErrorCode::none;
};

TEST_F(RateLimitTest, refuses_what_is_above_the_rate_and_says_when_to_come_again) {
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask().body, "well");
  test::Answer refused = ask();
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.body, HasSubstr("\"code\": \"rate_limited\""));
  EXPECT_THAT(refused.fields, HasSubstr("Retry-After: 5\n"));
  EXPECT_EQ(reason_, ErrorCode::rate_limited);
  wait(5s);
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask().status, 429);
}

TEST_F(RateLimitTest, tells_clients_what_is_left) {
  EXPECT_THAT(ask().fields, HasSubstr("RateLimit-Policy: \"default\";q=2;w=10\n"
                                      "RateLimit: \"default\";r=1;t=5\n"));
  EXPECT_THAT(ask().fields, HasSubstr("RateLimit: \"default\";r=0;t=10\n"));
  EXPECT_THAT(ask().fields, HasSubstr("RateLimit: \"default\";r=0;t=10\n"));
  config_.headers = false;
  reload();
  EXPECT_THAT(ask().fields, Not(HasSubstr("RateLimit")));
  wait(10s);
  EXPECT_EQ(ask().fields, "");
}

TEST_F(RateLimitTest, lets_as_many_come_at_once_as_the_burst_says) {
  config_.burst = 5;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask().status, 200) << i;
  EXPECT_EQ(ask().status, 429);
  wait(5s);
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask().status, 429);
}

TEST_F(RateLimitTest, counts_each_client_for_itself) {
  config_.burst = 1;
  EXPECT_EQ(ask_from("192.0.2.1:1").status, 200);
  EXPECT_EQ(ask_from("192.0.2.1:2").status, 429);
  EXPECT_EQ(ask_from("192.0.2.2:1").status, 200);
  EXPECT_EQ(ask_from("[2001:db8:1:2::1]:1").status, 200);
  EXPECT_EQ(ask_from("[2001:db8:1:2:ffff::]:1").status, 429);
  EXPECT_EQ(ask_from("[2001:db8:1:3::1]:1").status, 200);
}

TEST_F(RateLimitTest, counts_by_whatever_the_key_says) {
  config_.burst = 1;
  config_.key = {{"header.x-api-key"}};
  EXPECT_EQ(ask({.headers = {{"X-Api-Key", "a"}}}).status, 200);
  EXPECT_EQ(ask({.headers = {{"X-Api-Key", "a"}}, .peer = "192.0.2.9:1"}).status, 429);
  EXPECT_EQ(ask({.headers = {{"X-Api-Key", "b"}}}).status, 200);
  EXPECT_EQ(ask().status, 200);  // all without a key share one budget
  EXPECT_EQ(ask_from("192.0.2.9:1").status, 429);
}

TEST_F(RateLimitTest, gives_all_workers_one_budget) {
  config_.rate = config::Rate{100, 1h};
  SimLoop* loops[] = {&loop_, &world_.add_loop(), &world_.add_loop()};
  int allowed = 0;
  for (int i = 0; i < 300; ++i) allowed += ask_at(*loops[i % 3]).status == 200;
  EXPECT_EQ(allowed, 100);
}

TEST_F(RateLimitTest, keeps_what_was_used_over_a_reload) {
  EXPECT_EQ(ask().status, 200);
  reload();
  EXPECT_EQ(ask().status, 200);
  reload();
  EXPECT_EQ(ask().status, 429);
}

TEST_F(RateLimitTest, holds_a_new_rate_at_once) {
  config_.rate = config::Rate{2, std::chrono::days(1)};
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask().status, 429);
  config_.rate = config::Rate{2, 2s};
  reload();
  test::Answer refused = ask();
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.fields, HasSubstr("Retry-After: 1\n"));
  wait(1s);
  EXPECT_EQ(ask().status, 200);
}

TEST_F(RateLimitTest, only_counts_in_shadow) {
  config_.shadow = true;
  for (int i = 0; i < 5; ++i) {
    test::Answer answer = ask();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.fields, "");
  }
  EXPECT_EQ(budgets()->counted(RateLimitResult::allowed), 2u);
  EXPECT_EQ(budgets()->counted(RateLimitResult::shadowed), 3u);
  EXPECT_EQ(budgets()->counted(RateLimitResult::limited), 0u);
}

TEST_F(RateLimitTest, touches_only_requests_for_which_the_condition_is_true) {
  config_.when.value = R"(method == "POST")";
  config_.burst = 1;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask({.method = "POST"}).status, 200);
  EXPECT_EQ(ask({.method = "POST"}).status, 429);
}

TEST_F(RateLimitTest, uses_a_declared_limit_wherever_it_is_named) {
  RateLimitConfig declared;
  declared.rate = config::Rate{2, 10s};
  auto kept = declare_rate_limit("shared", declared, parts());
  config_ = {};
  config_.limit.value = "shared";
  RateLimitMiddleware one(config_, parts()), other(config_, parts());
  Limited first(one, service_), second(other, service_);
  auto status = [&](const Handler& handler) {
    return test::run(loop_, test::answer_of(loop_, handler, {})).status;
  };
  EXPECT_EQ(status(first), 200);
  EXPECT_EQ(status(second), 200);
  EXPECT_EQ(status(first), 429);
  EXPECT_EQ(status(second), 429);
}

TEST_F(RateLimitTest, refuses_a_name_that_nothing_declares) {
  auto kept = declare_rate_limit("per_client", config_, parts());
  config_ = {};
  config_.limit.value = "per_clint";
  RateLimitMiddleware limit(config_, parts());
  EXPECT_FALSE(diagnostics_.ok());
  EXPECT_THAT(diagnostics_.render(), HasSubstr("did you mean \"per_client\"?"));
}

TEST_F(RateLimitTest, refuses_keys_and_conditions_that_are_none) {
  config_.key = {{"client_pi"}};
  config_.when.value = "method =";
  RateLimitMiddleware limit(config_, parts());
  EXPECT_EQ(diagnostics_.error_count(), 2u);
}

TEST_F(RateLimitTest, forgets_keys_whose_budget_is_whole_again) {
  EXPECT_EQ(ask_from("192.0.2.1:1").status, 200);
  wait(3s);
  EXPECT_EQ(ask_from("192.0.2.2:1").status, 200);
  budgets()->tend(loop_.now());
  EXPECT_EQ(budgets()->keys(), 2u);
  wait(3s);
  budgets()->tend(loop_.now());
  EXPECT_EQ(budgets()->keys(), 1u);
  wait(3s);
  budgets()->tend(loop_.now());
  EXPECT_EQ(budgets()->keys(), 0u);
}

TEST_F(RateLimitTest, remembers_who_uses_most_when_there_are_more_clients_than_it_may_remember) {
  config_.max_keys = 16;
  config_.rate = config::Rate{100, 10s};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask_from("198.51.100.1:1").status, 200);
  for (int i = 0; i < 250; ++i) ask_from("192.0.2." + std::to_string(i) + ":1");
  EXPECT_LE(budgets()->full_at.keys(0), 16u);
  EXPECT_GT(budgets()->full_at.evicted(), 200u);
}

}  // namespace
}  // namespace weir

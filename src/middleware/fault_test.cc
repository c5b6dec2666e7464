#include "middleware/fault.h"

#include <gmock/gmock.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// Answers "well", or fails.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    ++asked;
    if (failure.code != ErrorCode::none) co_return fail(failure);
    Response response(exchange.arena());
    response.body = exchange.own<MemoryBody>(Slice::unowned("well"));
    co_return response;
  }

  mutable int asked = 0;
  Error failure;
};

/// The fault around a service as a session runs it, and the reason that the log would show.
class Faulty final : public Handler {
 public:
  Faulty(const FaultMiddleware& fault, const Service& service) : fault_(fault), service_(service) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    exchange.at_end([this](Exchange& ended) { reason = ended.outcome().error.code; });
    Result<Response> response = co_await fault_.handle(exchange, Next({}, service_));
    if (!response) exchange.outcome().error = response.error();
    co_return response;
  }

  mutable ErrorCode reason = ErrorCode::none;

 private:
  const FaultMiddleware& fault_;
  const Service& service_;
};

class FaultTest : public ::testing::Test {
 protected:
  test::Answer ask(test::Asked asked = {}) {
    config::Diagnostics diagnostics;
    FaultMiddleware fault(config_, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    Faulty faulty(fault, service_);
    TimePoint began = loop_.now();
    test::Answer answer = test::run(loop_, test::answer_of(loop_, faulty, std::move(asked)));
    took_ = loop_.now() - began;
    reason_ = faulty.reason;
    return answer;
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  FaultConfig config_;
  Service service_;
  Duration took_{};
  ErrorCode reason_ = ErrorCode::none;
};

TEST_F(FaultTest, delays_a_request_and_says_so_in_the_log) {
  config_.delay = {2s, 100};
  EXPECT_EQ(ask().body, "well");
  EXPECT_GE(took_, 2s);
  EXPECT_LT(took_, 2s + 10ms);
  EXPECT_EQ(reason_, ErrorCode::fault_delay);
}

TEST_F(FaultTest, keeps_the_reason_of_what_fails_after_a_delay) {
  config_.delay = {2s, 100};
  service_.failure = Error(ErrorCode::refused, Origin::upstream);
  EXPECT_EQ(ask().error.code, ErrorCode::refused);
  EXPECT_EQ(reason_, ErrorCode::refused);
}

TEST_F(FaultTest, answers_with_the_status_and_the_reason_of_an_abort) {
  config_.abort = {429, 100};
  test::Answer answer = ask();
  EXPECT_EQ(answer.status, 429);
  EXPECT_THAT(answer.body, HasSubstr("\"code\": \"fault_abort\""));
  EXPECT_EQ(reason_, ErrorCode::fault_abort);
  EXPECT_EQ(service_.asked, 0);
  EXPECT_EQ(took_, 0s);
}

TEST_F(FaultTest, delays_before_it_aborts) {
  config_.delay = {2s, 100};
  config_.abort = {503, 100};
  EXPECT_EQ(ask().status, 503);
  EXPECT_GE(took_, 2s);
  EXPECT_EQ(reason_, ErrorCode::fault_abort);
  EXPECT_EQ(service_.asked, 0);
}

TEST_F(FaultTest, touches_only_requests_for_which_the_condition_is_true) {
  config_.abort = {503, 100};
  config_.when.value = R"(header.x-fault == "on")";
  EXPECT_EQ(ask().status, 200);
  EXPECT_EQ(ask({.headers = {{"X-Fault", "off"}}}).status, 200);
  EXPECT_EQ(reason_, ErrorCode::none);
  EXPECT_EQ(ask({.headers = {{"X-Fault", "on"}}}).status, 503);
}

TEST_F(FaultTest, touches_as_many_requests_as_the_percentage_says) {
  config_.abort = {503, 30};
  int aborted = 0;
  for (int i = 0; i < 1000; ++i) aborted += ask().status == 503;
  EXPECT_GT(aborted, 250);  // 3.5 standard deviations
  EXPECT_LT(aborted, 350);
  config_.abort = {503, 0};
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(ask().status, 200);
}

Task<void> cancel_after(Loop& loop, StopSource& client, Duration time) {
  co_await loop.sleep_for(time);
  client.request(Error(ErrorCode::client_gone, Origin::client));
}

Task<Result<std::uint16_t>> ask_and_leave(Loop& loop, const Handler& handler) {
  ConnectionFacts facts{*Address::parse("192.0.2.7:4711"), "front", false};
  StopSource client;
  auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
  Scope scope;
  scope.spawn(cancel_after(loop, client, 1s));
  Result<Response> response = co_await handler.handle(*exchange);
  co_await scope.join();
  Result<std::uint16_t> status =
      response ? Result<std::uint16_t>(response->status) : fail(response.error());
  co_await exchange->finish();
  co_return status;
}

TEST_F(FaultTest, does_not_hold_the_request_of_a_client_that_left) {
  config_.delay = {1h, 100};
  config::Diagnostics diagnostics;
  FaultMiddleware fault(config_, diagnostics);
  Faulty faulty(fault, service_);
  TimePoint began = loop_.now();
  Result<std::uint16_t> status = test::run(loop_, ask_and_leave(loop_, faulty));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::client_gone);
  EXPECT_EQ(faulty.reason, ErrorCode::client_gone);
  EXPECT_LT(loop_.now() - began, 2s);
}

TEST_F(FaultTest, refuses_a_condition_that_is_none) {
  config_.abort = {503, 100};
  config_.when.value = "header.x-fault =";
  config::Diagnostics diagnostics;
  FaultMiddleware fault(config_, diagnostics);
  EXPECT_FALSE(diagnostics.ok());
}

}  // namespace
}  // namespace weir

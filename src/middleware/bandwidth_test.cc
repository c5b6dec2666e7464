#include "middleware/bandwidth.h"

#include <gmock/gmock.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// Answers with a page in one piece.
class Page final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Response response(exchange.arena());
    response.body = exchange.own<MemoryBody>(Slice::unowned(content));
    co_return response;
  }
  std::string content = std::string(100'000, 'x');
};

class BandwidthTest : public ::testing::Test, public Handler {
 protected:
  BandwidthTest() {
    config_.per_second = {20'000};
    config_.burst = config::ByteSize{20'000};
  }

  void build() {
    middleware_ = std::make_unique<BandwidthMiddleware>(
        config_, BuildParts{upstreams_, states_, declared_, diagnostics_, "route test"});
    EXPECT_TRUE(diagnostics_.ok()) << diagnostics_.render();
  }
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_->handle(exchange, Next({}, page_));
  }

  static Task<void> one(BandwidthTest& test, Loop& loop, test::Asked asked) {
    test::Answer answer = co_await test::answer_of(loop, test, std::move(asked));
    EXPECT_EQ(answer.body, test.page_.content);
  }
  Task<void> all(std::vector<std::string> peers) {
    Scope scope;
    for (const std::string& peer : peers) scope.spawn(one(*this, loop_, {.peer = peer}));
    co_await scope.join();
  }
  /// How long it takes until every client has its page.
  Duration take(std::vector<std::string> peers) {
    if (!middleware_) build();
    TimePoint began = loop_.now();
    test::run(loop_, all(std::move(peers)));
    return loop_.now() - began;
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  Page page_;
  Upstreams upstreams_;
  NamedStates states_;
  NamedStates declared_;
  config::Diagnostics diagnostics_;
  BandwidthConfig config_;
  std::unique_ptr<BandwidthMiddleware> middleware_;
};

void expect_about(Duration time, Duration wanted) {
  EXPECT_GE(time, wanted - 1ms);
  EXPECT_LE(time, wanted + 200ms);
}

TEST_F(BandwidthTest, sends_a_burst_and_then_no_faster_than_its_rate) {
  expect_about(take({"192.0.2.1:1"}), 4s);
  page_.content.resize(20'000);
  expect_about(take({"192.0.2.1:1"}), 0s);
}

TEST_F(BandwidthTest, gives_each_response_the_rate_for_itself_without_a_key) {
  expect_about(take({"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"}), 4s);
}

TEST_F(BandwidthTest, shares_the_rate_between_the_responses_of_a_key) {
  config_.key = {{"client_ip"}};
  expect_about(take({"192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"}), 9s);
}

TEST_F(BandwidthTest, keeps_a_key_to_its_rate_over_a_reload) {
  config_.key = {{"client_ip"}};
  expect_about(take({"192.0.2.1:1"}), 4s);
  build();
  expect_about(take({"192.0.2.1:1"}), 5s);
}

TEST_F(BandwidthTest, does_not_touch_other_requests) {
  config_.when.value = R"(method == "POST")";
  expect_about(take({"192.0.2.1:1"}), 0s);
}

Task<void> leave_after(Loop& loop, StopSource& client, Duration time) {
  (void)co_await loop.sleep_for(time);
  client.request(Error(ErrorCode::client_gone, Origin::client));
}

Task<ErrorCode> ask_and_leave(Loop& loop, const Handler& handler) {
  ConnectionFacts facts{*Address::parse("192.0.2.7:4711"), "front", false};
  StopSource client;
  auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
  Scope scope;
  scope.spawn(leave_after(loop, client, 500ms));
  Result<Response> response = co_await handler.handle(*exchange);
  ErrorCode end = ErrorCode::none;
  while (response && end == ErrorCode::none) {
    Result<Slice> piece = co_await response->body->read();
    if (!piece) end = piece.error().code;
    if (piece && piece->empty()) break;
  }
  co_await scope.join();
  co_await exchange->finish();
  co_return end;
}

TEST_F(BandwidthTest, does_not_hold_the_response_of_a_client_that_left) {
  build();
  TimePoint began = loop_.now();
  EXPECT_EQ(test::run(loop_, ask_and_leave(loop_, *this)), ErrorCode::client_gone);
  EXPECT_LT(loop_.now() - began, 1s);
}

TEST_F(BandwidthTest, says_what_can_be_sent_without_waiting) {
  BytePace pace{1000, 500};
  std::int64_t full_at = 0;
  TimePoint now{10s};
  EXPECT_EQ(pace.take(full_at, now, 499, 0s), 0s);
  EXPECT_EQ(pace.take(full_at, now, 1, 0s), 0s);
  EXPECT_EQ(pace.take(full_at, now, 1, 0s), 1ms);
  EXPECT_EQ(pace.take(full_at, now + 1ms, 1, 0s), 0s);
  EXPECT_EQ(pace.take(full_at, now + 1ms, 2000, Duration::max()), 500ms);  // more than the burst
}

}  // namespace
}  // namespace weir

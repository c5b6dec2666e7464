#include "middleware/concurrency_limit.h"

#include <gmock/gmock.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Takes a second for its head, and another for its body.
class SlowService final : public Handler {
 public:
  class SlowBody final : public Body {
   public:
    explicit SlowBody(Exchange& exchange) : exchange_(exchange) {}
    Task<Result<Slice>> read() override {
      if (std::exchange(done_, true)) co_return Slice();
      (void)co_await exchange_.loop().sleep_for(1s, exchange_.stop());
      co_return Slice::unowned("slow");
    }
    std::optional<Slice> try_read() override { return std::nullopt; }
    std::optional<std::uint64_t> length() const override { return std::nullopt; }

   private:
    Exchange& exchange_;
    bool done_ = false;
  };

  Task<Result<Response>> handle(Exchange& exchange) const override {
    (void)co_await exchange.loop().sleep_for(1s, exchange.stop());
    Response response(exchange.arena());
    response.body = exchange.own<SlowBody>(exchange);
    co_return response;
  }
};

class ConcurrencyLimitTest : public ::testing::Test, public Handler {
 protected:
  ConcurrencyLimitTest() { config_.max = 2; }

  void build() {
    middleware_ = std::make_unique<ConcurrencyLimitMiddleware>(
        config_, BuildParts{upstreams_, states_, declared_, diagnostics_, "route test"});
    EXPECT_TRUE(diagnostics_.ok()) << diagnostics_.render();
  }
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_->handle(exchange, Next({}, service_));
  }

  static Task<void> one(ConcurrencyLimitTest& test, Loop& loop, test::Asked asked, Duration after) {
    (void)co_await loop.sleep_for(after);
    test::Answer answer = co_await test::answer_of(loop, test, std::move(asked));
    test.statuses_.push_back(answer.status);
    if (answer.status == 429) test.refusal_ = answer;
  }
  struct Plan {
    Duration after;
    std::string peer = "192.0.2.1:1";
  };
  Task<void> all(std::vector<Plan> plans) {
    Scope scope;
    for (const Plan& plan : plans) {
      scope.spawn(one(*this, loop_, {.peer = plan.peer}, plan.after));
    }
    co_await scope.join();
  }
  std::vector<std::uint16_t> run(std::vector<Plan> plans) {
    if (!middleware_) build();
    statuses_.clear();
    test::run(loop_, all(std::move(plans)));
    return statuses_;
  }
  std::shared_ptr<RequestsUnderWay> under_way() {
    return states_.all<RequestsUnderWay>().at(0).second;
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  SlowService service_;
  Upstreams upstreams_;
  NamedStates states_;
  NamedStates declared_;
  config::Diagnostics diagnostics_;
  ConcurrencyLimitConfig config_;
  std::unique_ptr<ConcurrencyLimitMiddleware> middleware_;
  std::vector<std::uint16_t> statuses_;
  test::Answer refusal_;
};

TEST_F(ConcurrencyLimitTest, lets_as_many_be_under_way_as_it_may_and_no_more) {
  EXPECT_THAT(run({{0s}}), ElementsAre(200));
  EXPECT_THAT(run({{0s}, {0s}}), ElementsAre(200, 200));
  EXPECT_THAT(run({{0s}, {0s}, {0s}}), ElementsAre(429, 200, 200));
  EXPECT_THAT(refusal_.body, HasSubstr("\"code\": \"in_flight_limited\""));
  EXPECT_THAT(refusal_.fields, HasSubstr("Retry-After: 1\n"));
  EXPECT_EQ(under_way()->refused(), 1u);
}

TEST_F(ConcurrencyLimitTest, counts_a_request_until_its_response_has_ended) {
  config_.max = 1;
  EXPECT_THAT(run({{0s}, {1500ms}, {2500ms}}), ElementsAre(429, 200, 200));
  EXPECT_EQ(under_way()->keys(), 0u);
}

TEST_F(ConcurrencyLimitTest, counts_each_client_for_itself) {
  config_.max = 1;
  EXPECT_THAT(run({{0s}, {0s, "192.0.2.2:1"}, {1ms, "192.0.2.2:9"}}), ElementsAre(429, 200, 200));
}

TEST_F(ConcurrencyLimitTest, counts_all_together_without_a_key) {
  config_.key.clear();
  config_.max = 1;
  EXPECT_THAT(run({{0s}, {1ms, "192.0.2.2:1"}}), ElementsAre(429, 200));
}

Task<void> reload_in_between(Loop& loop, std::function<void()> build) {
  (void)co_await loop.sleep_for(500ms);
  build();
}

TEST_F(ConcurrencyLimitTest, counts_on_over_a_reload) {
  config_.max = 1;
  config_.name = "downloads";
  build();
  std::unique_ptr<ConcurrencyLimitMiddleware> before;
  Scope scope;
  loop_.post([&] {
    scope.spawn(reload_in_between(loop_, [&] {
      before = std::move(middleware_);
      build();
    }));
  });
  EXPECT_THAT(run({{0s}, {1s}}), ElementsAre(429, 200));
  before.reset();
  EXPECT_THAT(run({{0s}}), ElementsAre(200));
}

}  // namespace
}  // namespace weir

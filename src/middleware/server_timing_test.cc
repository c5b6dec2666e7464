#include "middleware/server_timing.h"

#include <gmock/gmock.h>

#include "http/chain_testing.h"
#include "http/testing.h"
#include "http/trace.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::ContainsRegex;
using ::testing::Not;

struct Nobody final : TraceSink {
  void trace_ended(const Trace&, Exchange&) override {}
};

/// Takes its time, as an origin does that has a field of its own.
class Page final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    if (failure.code != ErrorCode::none) co_return fail(failure);
    exchange.outcome().started = exchange.loop().now();
    if (traced) Trace::begin(exchange, {.share = trace_share(1)}, sink);
    (void)co_await exchange.loop().sleep_for(20ms);
    exchange.upstream().response = response_time;
    exchange.set_cache_use(cache);
    Response response(exchange.arena());
    response.headers.add("Server-Timing", "db;dur=5");
    co_return response;
  }
  mutable Nobody sink;
  Error failure;
  bool traced = false;
  Duration response_time{-1};
  CacheUse cache = CacheUse::none;
};

class ServerTimingTest : public ::testing::Test {
 protected:
  test::Answer ask(ServerTimingConfig config = {}) {
    ServerTimingMiddleware middleware(config);
    test::Chain chain(middleware, page);
    return test::run(loop, test::answer_of(loop, chain, {}));
  }
  SimWorld world{1};
  SimLoop& loop = world.add_loop();
  Page page;
};

TEST_F(ServerTimingTest, tells_the_times_behind_what_the_origin_says) {
  EXPECT_THAT(ask().fields,
              ContainsRegex("Server-Timing: db;dur=5\nServer-Timing: total;dur=2[0-9]\\.[0-9]+\n"));
}

TEST_F(ServerTimingTest, tells_of_upstream_and_cache_where_they_had_a_part) {
  page.response_time = 12345us;
  page.cache = CacheUse::miss;
  EXPECT_THAT(ask().fields, ContainsRegex(", upstream;dur=12\\.345, cache;desc=\"miss\"\n"));
}

TEST_F(ServerTimingTest, names_the_trace_unless_it_is_told_not_to) {
  page.traced = true;
  EXPECT_THAT(ask().fields, ContainsRegex(", traceparent;desc=\"00-[0-9a-f]+-[0-9a-f]+-01\"\n"));
  EXPECT_THAT(ask({.trace = false}).fields, Not(ContainsRegex("traceparent")));
}

TEST_F(ServerTimingTest, leaves_errors_alone) {
  page.failure = Error(ErrorCode::no_endpoint);
  EXPECT_EQ(ask().error.code, ErrorCode::no_endpoint);
}

}  // namespace
}  // namespace weir

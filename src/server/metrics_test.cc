#include "server/metrics.h"

#include <gtest/gtest.h>

#include <thread>

#include "io/sim/loop.h"

namespace weir {
namespace {

using std::chrono::milliseconds;

/// Makes exchanges that have ended as told.
class Metrics : public ::testing::Test {
 protected:
  struct Ended {
    std::string_view route;
    std::string_view upstream;
    std::uint16_t status = 200;
    Error error;
    std::uint16_t attempts = 1;
    Duration response{-1};
  };

  void record(WorkerMetrics& worker, const Ended& ended) {
    Exchange exchange(loop_, facts_, StopToken());
    exchange.set_route(ended.route);
    exchange.upstream().name = ended.upstream;
    exchange.upstream().attempts = ended.attempts;
    exchange.upstream().response = ended.response;
    Outcome& outcome = exchange.outcome();
    outcome.status = ended.status;
    outcome.error = ended.error;
    outcome.bytes_received = 10;
    outcome.bytes_sent = 100;
    outcome.started = TimePoint(milliseconds(5));
    outcome.ended = TimePoint(milliseconds(7));
    worker.record(exchange);
  }

  static ExchangeTotals totals_of(const WorkerMetrics& worker) {
    ExchangeTotals totals;
    totals.add(worker);
    return totals;
  }

  SimWorld world_{1};
  Loop& loop_ = world_.add_loop();
  ConnectionFacts facts_;
};

TEST_F(Metrics, counts_by_route_upstream_and_class_of_status) {
  WorkerMetrics worker;
  record(worker, {.route = "shop", .upstream = "api"});
  record(worker, {.route = "shop", .upstream = "api", .status = 204});
  record(worker, {.route = "shop", .upstream = "api", .status = 503});
  record(worker, {.route = "shop", .status = 404});
  record(worker, {.route = "", .status = 0});
  ExchangeTotals totals = totals_of(worker);
  EXPECT_EQ((totals.requests[{"shop", "api"}]), (ExchangeTotals::Requests{0, 0, 2, 0, 0, 1}));
  EXPECT_EQ((totals.requests[{"shop", ""}]), (ExchangeTotals::Requests{0, 0, 0, 0, 1, 0}));
  EXPECT_EQ((totals.requests[{"", ""}]), (ExchangeTotals::Requests{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(totals.requests.size(), 3u);
}

TEST_F(Metrics, takes_a_status_that_no_class_has_for_none) {
  WorkerMetrics worker;
  record(worker, {.route = "r", .status = 999});
  EXPECT_EQ((totals_of(worker).requests[{"r", ""}])[0], 1u);
}

TEST_F(Metrics, adds_up_times_and_bytes_of_a_route_and_of_its_upstream) {
  WorkerMetrics worker;
  record(worker, {.route = "r", .upstream = "u", .attempts = 3, .response = milliseconds(1)});
  record(worker, {.route = "r"});
  ExchangeTotals totals = totals_of(worker);
  EXPECT_EQ(totals.routes["r"].duration.count(), 2u);
  EXPECT_EQ(totals.routes["r"].duration.nanoseconds, 4'000'000u);
  EXPECT_EQ(totals.routes["r"].received, 20u);
  EXPECT_EQ(totals.routes["r"].sent, 200u);
  EXPECT_EQ(totals.upstreams["u"].response.count(), 1u);
  EXPECT_EQ(totals.upstreams["u"].response.nanoseconds, 1'000'000u);
  EXPECT_EQ(totals.upstreams["u"].retries, 2u);
}

TEST_F(Metrics, does_not_take_an_answer_that_never_came_for_a_fast_one) {
  WorkerMetrics worker;
  record(worker, {.route = "r", .upstream = "u", .status = 502, .attempts = 0});
  ExchangeTotals totals = totals_of(worker);
  EXPECT_EQ(totals.upstreams["u"].response.count(), 0u);
  EXPECT_EQ(totals.upstreams["u"].retries, 0u);
}

TEST_F(Metrics, counts_errors_by_reason_and_origin) {
  WorkerMetrics worker;
  record(worker, {.error = Error(ErrorCode::reset, Origin::upstream)});
  record(worker, {.error = Error(ErrorCode::reset, Origin::client)});
  record(worker, {.error = Error(ErrorCode::reset, Origin::client)});
  auto errors = totals_of(worker).errors;
  auto reset = static_cast<std::size_t>(ErrorCode::reset);
  EXPECT_EQ(errors[static_cast<std::size_t>(Origin::upstream)][reset], 1u);
  EXPECT_EQ(errors[static_cast<std::size_t>(Origin::client)][reset], 2u);
  EXPECT_EQ(errors[static_cast<std::size_t>(Origin::weir)][reset], 0u);
}

TEST_F(Metrics, knows_the_name_of_every_error) {
  for (std::size_t code = 0; code < kErrorCodes; ++code) {
    EXPECT_NE(name(static_cast<ErrorCode>(code)), "unknown") << code;
  }
  EXPECT_EQ(name(static_cast<ErrorCode>(kErrorCodes)), "unknown") << "kErrorCodes is too small";
}

TEST_F(Metrics, makes_a_series_at_its_first_use) {
  WorkerMetrics worker;
  EXPECT_EQ(worker.size(), 0u);
  for (int i = 0; i < 3; ++i) record(worker, {.route = "r", .upstream = "u"});
  EXPECT_EQ(worker.size(), 1u);
}

TEST_F(Metrics, does_not_hold_on_to_the_text_of_names) {
  WorkerMetrics worker;
  for (int i = 0; i < 2; ++i) {
    std::string route = "a route in a snapshot", upstream = "and its upstream";
    record(worker, {.route = route, .upstream = upstream});
    route.assign(route.size(), 'x');
    upstream.assign(upstream.size(), 'x');
  }
  EXPECT_EQ(worker.size(), 1u);
  EXPECT_EQ((totals_of(worker).requests[{"a route in a snapshot", "and its upstream"}])[2], 2u);
}

TEST_F(Metrics, counts_what_is_beyond_its_limit_as_other) {
  constexpr std::size_t kLimit = 10;
  for (std::size_t routes : {kLimit - 1, kLimit, kLimit + 1, kLimit + 5}) {
    WorkerMetrics worker(kLimit);
    for (std::size_t i = 0; i < routes; ++i) record(worker, {.route = std::to_string(i)});
    ExchangeTotals totals = totals_of(worker);
    std::size_t over = routes > kLimit ? routes - kLimit : 0;
    EXPECT_EQ(totals.requests.size(), routes - over + (over > 0)) << routes;
    EXPECT_EQ(totals.requests.contains({"(other)", ""}), over > 0) << routes;
    if (over > 0) EXPECT_EQ((totals.requests[{"(other)", ""}])[2], over);
    record(worker, {.route = "0"});
    EXPECT_EQ((totals_of(worker).requests[{"0", ""}])[2], 2u) << "what is known goes on";
  }
}

TEST_F(Metrics, drops_the_series_of_names_that_are_configured_no_more) {
  WorkerMetrics worker;
  record(worker, {.route = "old", .upstream = "api"});
  record(worker, {.route = "new", .upstream = "gone"});
  record(worker, {.route = "new", .upstream = "api"});
  record(worker, {.route = "", .status = 404});
  record(worker, {.route = kAdminRoute});
  MetricNames names{{"new"}, {"api"}};
  ExchangeTotals before = totals_of(worker);
  worker.keep_only(names);
  before.keep_only(names);
  ExchangeTotals totals = totals_of(worker);
  EXPECT_EQ(totals.requests, before.requests);
  EXPECT_EQ(totals.requests.size(), 3u);
  EXPECT_TRUE(totals.requests.contains({"new", "api"}));
  EXPECT_TRUE(totals.requests.contains({"", ""}));
  EXPECT_FALSE(totals.routes.contains("old"));
  EXPECT_FALSE(totals.upstreams.contains("gone"));
  record(worker, {.route = "old", .upstream = "api"});  // one that was still under way
  EXPECT_EQ((totals_of(worker).requests[{"old", "api"}])[2], 1u);
}

TEST_F(Metrics, are_read_while_the_worker_counts_makes_series_and_drops_them) {
  WorkerMetrics worker;
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) (void)totals_of(worker);
  });
  MetricNames names{{"0", "1"}, {}};
  for (int i = 0; i < 2000; ++i) {
    record(worker, {.route = std::to_string(i % 50), .upstream = "u"});
    if (i % 500 == 499) worker.keep_only(names);
  }
  done = true;
  reader.join();
  EXPECT_EQ(worker.size(), 0u) << "the upstream is not among the names";
}

}  // namespace
}  // namespace weir

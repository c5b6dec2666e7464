// Limits of endpoints: who waits, who is refused; and what origins say of their load.
#include <gtest/gtest.h>

#include "upstream/balance_testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::kHello;
using test::listen_on;
using test::pause;
using test::read_head;
using test::say;

class UpstreamLimits : public test::UpstreamTest {
 protected:
  void limit(EndpointLimits limits) {
    options_.limits = limits;
    balance({.algorithm = Balance::random, .max_requests = limits.max_requests});
  }
  /// Has `count` requests made at once.
  void at_once(int count) {
    upstream_ = std::make_unique<Upstream>(cluster_, options_);
    for (int i = 0; i < count; ++i) world_.spawn(loop_, keep(i));
    world_.run_until([&] { return ended_.size() == static_cast<std::size_t>(count); });
  }
  Task<void> keep(int number) {
    Answered answered = co_await talk(loop_, *upstream_, "", "", 1h);
    ended_.push_back(number);
    all_.push_back(answered);
  }
  int count(ErrorCode code) const {
    return static_cast<int>(std::ranges::count(all_, code, &Answered::error));
  }
  std::uint32_t in_flight(std::size_t index) {
    return cluster_->endpoints()->endpoints[index]->in_flight;
  }

  std::unique_ptr<Upstream> upstream_;
  std::vector<int> ended_;
  std::vector<Answered> all_;
};

TEST_F(UpstreamLimits, let_requests_wait_for_their_turn) {
  limit({.max_requests = 1, .queue_timeout = 10s});
  origin({{read_head(), pause(100ms), say(std::string(kHello)), read_head(), pause(100ms),
           say(std::string(kHello)), read_head(), pause(100ms), say(std::string(kHello)),
           listen_on()}});
  TimePoint before = loop_.now();
  at_once(3);
  EXPECT_EQ(ended_, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(count(ErrorCode::none), 3);
  EXPECT_GE(loop_.now() - before, 300ms);
  EXPECT_EQ(in_flight(0), 0u);
  PoolCounters counted;
  cluster_->pools().add_to(counted);
  EXPECT_EQ(counted.queued.value(), 2u);
  EXPECT_EQ(counted.opened.value(), 1u);
}

TEST_F(UpstreamLimits, use_all_endpoints_before_anybody_waits) {
  limit({.max_requests = 1, .queue = 0});
  for (int i = 0; i < 3; ++i) {
    origin({{read_head(), pause(100ms), say(std::string(kHello)), listen_on()}});
  }
  at_once(3);
  EXPECT_EQ(count(ErrorCode::none), 3);
}

TEST_F(UpstreamLimits, refuse_what_is_above_the_queue) {
  limit({.max_requests = 1, .queue = 1, .queue_timeout = 10s});
  origin({{read_head(), pause(100ms), say(std::string(kHello)), read_head(),
           say(std::string(kHello)), listen_on()}});
  at_once(4);
  EXPECT_EQ(count(ErrorCode::none), 2);
  EXPECT_EQ(count(ErrorCode::queue_full), 2);
  EXPECT_EQ(in_flight(0), 0u);
}

TEST_F(UpstreamLimits, refuse_what_waited_too_long) {
  limit({.max_requests = 1, .queue_timeout = 50ms});
  origin({{read_head(), pause(200ms), say(std::string(kHello)), listen_on()}});
  at_once(2);
  EXPECT_EQ(count(ErrorCode::none), 1);
  EXPECT_EQ(count(ErrorCode::queue_timeout), 1);
  PoolCounters counted;
  cluster_->pools().add_to(counted);
  EXPECT_EQ(counted.queue_timed_out.value(), 1u);
}

TEST_F(UpstreamLimits, try_another_endpoint_when_one_fails) {
  options_.retries.attempts = 2;
  limit({.max_requests = 1});
  endpoint("10.9.9.9:80");  // nobody listens
  origin({answers(kHello, 10)});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(send(), addresses_[1].address.text());
  EXPECT_EQ(in_flight(0) + in_flight(1), 0u);
}

TEST_F(UpstreamLimits, of_an_empty_subset_are_not_waited_for) {
  limit({.max_requests = 1, .queue_timeout = 10s});
  origin({answers(kHello)});
  options_.subset = cluster_->subset({{"version", "v9"}});
  cluster_->set_policy(options_.balance);
  EXPECT_EQ(ask("", "").error, ErrorCode::subset_empty);
}

// --- connections -------------------------------------------------------------------------------

/// Endpoints that take two connections, and two workers.
class UpstreamConnections : public UpstreamLimits {
 protected:
  ~UpstreamConnections() override { test::run(two_, forget(two_, *cluster_)); }

  void allow(std::uint32_t connections, Duration patience = 10s) {
    EndpointLimits limits{.queue_timeout = patience, .max_connections = connections};
    options_.pool.counted = true;
    options_.share_connections = true;
    limit(limits.one_by_one());
  }
  void allow_together(std::uint32_t connections, Duration patience = 10s) {
    options_.pool.counted = true;
    limit({.queue_timeout = patience, .cluster_connections = connections});
  }
  void ask_on(SimLoop& loop) {
    Upstream upstream(cluster_, options_);
    all_.push_back(test::run(loop, talk(loop, upstream, "", "", 1h)));
  }
  std::uint32_t open(std::size_t index) {
    return cluster_->endpoints()->endpoints[index]->places->open();
  }
  std::uint64_t counted(Counter PoolCounters::* which) {
    PoolCounters sum;
    cluster_->pools().add_to(sum);
    return (sum.*which).value();
  }

  SimLoop& two_ = world_.add_loop("10.0.0.2");
};

TEST_F(UpstreamConnections, are_opened_up_to_the_limit_and_used_in_turn) {
  allow(2);
  test::Script script = answers(kHello, 10);
  script.insert(script.begin() + 1, pause(100ms));
  origin({script, script});
  at_once(6);
  EXPECT_EQ(count(ErrorCode::none), 6);
  EXPECT_EQ(counted(&PoolCounters::opened), 2u);
  EXPECT_EQ(open(0), 2u);
  world_.run_for(2min);  // idle ones go
  EXPECT_EQ(open(0), 0u);
}

TEST_F(UpstreamConnections, that_are_idle_make_way_for_another_worker) {
  allow(1);
  options_.share_connections = false;
  origin({answers(kHello), answers(kHello), answers(kHello)});
  for (SimLoop* each : {&loop_, &two_, &loop_}) {
    ask_on(*each);
    EXPECT_EQ(open(0), 1u);
  }
  EXPECT_EQ(count(ErrorCode::none), 3);
  EXPECT_EQ(counted(&PoolCounters::opened), 3u);
}

TEST_F(UpstreamConnections, go_to_another_worker_where_requests_wait) {
  allow(1);
  test::Script slow{
      read_head(), pause(100ms), say(std::string(kHello)), read_head(), say(std::string(kHello)),
      listen_on()};
  origin({slow});
  upstream_ = std::make_unique<Upstream>(cluster_, options_);
  world_.spawn(loop_, keep(1));
  world_.run_for(10ms);
  ask_on(two_);
  world_.run_for(10ms);
  EXPECT_EQ(count(ErrorCode::none), 2);
  EXPECT_EQ(counted(&PoolCounters::opened), 1u);
  EXPECT_EQ(counted(&PoolCounters::taken), 1u);
}

TEST_F(UpstreamConnections, from_before_there_was_a_limit_are_not_used_again) {
  origin({answers(kHello), answers(kHello)});
  ask_on(loop_);
  allow(1);
  ask_on(loop_);
  EXPECT_EQ(count(ErrorCode::none), 2);
  EXPECT_EQ(counted(&PoolCounters::opened), 2u);
  EXPECT_EQ(open(0), 1u);
}

TEST_F(UpstreamConnections, that_fail_to_open_give_back_their_place) {
  allow(1);
  endpoint("10.9.9.9:80");  // nobody listens
  for (int i = 0; i < 3; ++i) ask_on(loop_);
  EXPECT_EQ(count(ErrorCode::refused), 3);
  EXPECT_EQ(open(0), 0u);
}

TEST_F(UpstreamConnections, of_a_cluster_are_those_of_all_its_endpoints) {
  allow_together(1);
  test::Script slow{read_head(), pause(100ms), say(std::string(kHello)), listen_on()};
  origin({slow, slow});
  origin({slow, slow});
  at_once(3);
  EXPECT_EQ(count(ErrorCode::none), 3);
  EXPECT_EQ(cluster_->connections()->open(), 1u);
  world_.run_for(2min);  // idle ones go
  EXPECT_EQ(cluster_->connections()->open(), 0u);
}

TEST_F(UpstreamConnections, that_are_idle_make_way_for_those_to_another_endpoint) {
  allow_together(1);
  options_.share_connections = false;
  origin({answers(kHello), answers(kHello)});
  origin({answers(kHello), answers(kHello)});
  for (SimLoop* each : {&loop_, &two_, &loop_, &two_}) {
    ask_on(*each);
    EXPECT_EQ(cluster_->connections()->open(), 1u);
  }
  EXPECT_EQ(count(ErrorCode::none), 4);
}

TEST_F(UpstreamConnections, of_a_cluster_are_waited_for_no_longer_than_the_queue_allows) {
  allow_together(1, 50ms);
  origin({{read_head(), pause(200ms), say(std::string(kHello)), listen_on()}});
  at_once(2);
  EXPECT_EQ(count(ErrorCode::none), 1);
  EXPECT_EQ(count(ErrorCode::queue_timeout), 1);
}

// Where requests may share a connection, a limit of these is none of requests.
TEST_F(UpstreamConnections, are_waited_for_no_longer_than_the_queue_allows) {
  allow(1, 50ms);
  balance({.algorithm = Balance::random});
  options_.limits.max_requests = 0;
  origin({{read_head(), pause(200ms), say(std::string(kHello)), listen_on()}});
  at_once(2);
  EXPECT_EQ(count(ErrorCode::none), 1);
  EXPECT_EQ(count(ErrorCode::queue_timeout), 1);
  EXPECT_EQ(counted(&PoolCounters::queue_timed_out), 1u);
}

// --- load reports ------------------------------------------------------------------------------

class UpstreamReports : public test::UpstreamTest {};

TEST_F(UpstreamReports, are_taken_from_responses) {
  balance({.load_reports = true});
  origin(
      {answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nEndpoint-Load-Metrics: "
               "TEXT cpu_utilization=0.9,rps_fractional=100\r\n\r\n",
               10)});
  origin(
      {answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nEndpoint-Load-Metrics: "
               "TEXT cpu_utilization=0.45,rps_fractional=100\r\n\r\n",
               10)});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ask("", "").report, "");
  world_.run_for(2s);
  send();
  auto set = cluster_->endpoints();
  EXPECT_NEAR(set->endpoints[0]->load.part(), 0.5, 1e-6);
  EXPECT_EQ(set->endpoints[1]->load.part(), 1);
}

TEST_F(UpstreamReports, are_taken_from_the_trailers_of_calls) {
  balance({.load_reports = true});
  for (const char* load : {"0.9", "0.45"}) {
    origin(
        {answers("HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n0\r\nEndpoint-Load-Metrics: "
                 "TEXT cpu_utilization=" +
                     std::string(load) + ",rps_fractional=100\r\n\r\n",
                 10)});
  }
  for (int i = 0; i < 4; ++i) send();
  world_.run_for(2s);
  send();
  auto set = cluster_->endpoints();
  EXPECT_NEAR(set->endpoints[0]->load.part(), 0.5, 1e-6);
  EXPECT_EQ(set->endpoints[1]->load.part(), 1);
}

TEST_F(UpstreamReports, pass_where_nobody_asks_for_them) {
  origin(
      {answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
               "Endpoint-Load-Metrics: TEXT cpu_utilization=0.9\r\n\r\n")});
  EXPECT_EQ(ask("", "").report, "TEXT cpu_utilization=0.9");
}

}  // namespace
}  // namespace weir

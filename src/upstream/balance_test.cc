// What balancers learn from requests: keys, latencies, what is under way.
#include <set>

#include <gmock/gmock.h>

#include "http/h1/scripted_origin.h"
#include "upstream/upstream.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::break_off;
using test::listen_on;
using test::pause;
using test::read_head;
using test::say;
using test::Script;

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

class UpstreamBalance : public ::testing::Test {
 protected:
  UpstreamBalance() {
    options_.exchange = {{}, {}, 10s, 10s};
    options_.retries.attempts = 1;
  }
  ~UpstreamBalance() override {
    test::run(loop_, forget(loop_, *cluster_));
    world_.stop_tasks();
    world_.run();
    origins_.clear();
    EXPECT_EQ(world_.check_clean(), "");
  }
  static Task<void> forget(Loop& loop, Cluster& cluster) {
    loop.slots().erase(cluster.worker_key());
    co_return;
  }

  void balance(BalancePolicy policy) {
    options_.balance = policy;
    cluster_->set_policy(policy);
  }
  void go_by(std::vector<std::string_view> values) {
    auto key = std::make_shared<expression::Key>();
    for (std::string_view each : values) {
      EXPECT_TRUE(key->add(each, expression::Stage::route));
    }
    options_.key = std::move(key);
  }
  void origin(std::vector<Script> scripts) {
    std::string address = "10.0.1." + std::to_string(addresses_.size() + 1) + ":80";
    origins_.push_back(std::make_unique<test::ScriptedOrigin>(world_, address, std::move(scripts)));
    endpoint(address);
  }
  void endpoint(std::string_view address) {
    addresses_.push_back({*Address::parse(address), 1});
    cluster_->update("", addresses_);
  }

  /// The endpoint that answered or failed.
  std::string send(std::string_view user = "", Duration patience = 1h) {
    Upstream upstream(cluster_, options_);
    return test::run(loop_, talk(loop_, upstream, user, patience));
  }
  static Task<std::string> talk(Loop& loop, const Upstream& upstream, std::string_view user,
                                Duration patience) {
    ConnectionFacts facts;
    StopSource client;
    auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
    if (!user.empty()) exchange->request().headers.add("X-User", user);
    exchange->scope().spawn(leave(loop, client, patience, exchange->stop()));
    co_await one(*exchange, upstream);
    std::string endpoint = exchange->upstream().endpoint.text();
    co_await exchange->finish();
    co_return endpoint;
  }
  static Task<void> leave(Loop& loop, StopSource& client, Duration patience, StopToken stop) {
    (void)co_await loop.sleep_for(patience, stop);
    client.request({ErrorCode::client_gone, Origin::client, "left"});
  }
  static Task<void> one(Exchange& exchange, const Upstream& upstream) {
    Headers headers(exchange.arena());
    headers.add("Host", "a.test");
    UpstreamRequest request{
        {parse_method("GET"), "GET", "/", &headers, nullptr, {}, false}, &headers, false};
    Result<Response> response = co_await upstream.send(exchange, request, upstream.options());
    while (response && response->body != nullptr) {
      Result<Slice> piece = co_await response->body->read();
      if (!piece || piece->empty()) break;
    }
  }
  std::uint32_t latency(std::size_t index) {
    return cluster_->endpoints()->endpoints[index]->latency.value(loop_.now());
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop("10.0.0.1");
  std::shared_ptr<Cluster> cluster_ = std::make_shared<Cluster>("api");
  std::vector<WeightedAddress> addresses_;
  std::vector<std::unique_ptr<test::ScriptedOrigin>> origins_;
  UpstreamOptions options_;
};

TEST_F(UpstreamBalance, keeps_a_user_on_an_endpoint) {
  balance({.algorithm = Balance::maglev});
  go_by({"header.x-user"});
  for (int i = 0; i < 4; ++i) origin({answers(kHello)});
  std::set<std::string> used;
  for (const char* user : {"ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"}) {
    std::string first = send(user);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(send(user), first);
    used.insert(first);
  }
  EXPECT_GT(used.size(), 1u);
}

TEST_F(UpstreamBalance, spreads_requests_that_have_no_key) {
  balance({.algorithm = Balance::ring});
  go_by({"header.x-user"});
  for (int i = 0; i < 3; ++i) origin({answers(kHello)});
  std::set<std::string> used;
  for (int i = 0; i < 40; ++i) used.insert(send());
  EXPECT_EQ(used.size(), 3u);
}

TEST_F(UpstreamBalance, counts_what_is_under_way_in_the_cluster_for_a_bound) {
  balance({.algorithm = Balance::maglev, .max_load = 1.25});
  go_by({"header.x-user"});
  origin({answers(kHello)});
  endpoint("10.9.9.9:80");  // nobody listens
  for (int i = 0; i < 20; ++i) send("user-" + std::to_string(i));
  EXPECT_EQ(cluster_->in_flight.load(), 0u);
  cluster_->in_flight = 5;  // of other workers
  cluster_->endpoints()->endpoints[0]->in_flight = 5;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send("user-" + std::to_string(i)), "10.9.9.9:80");
  cluster_->endpoints()->endpoints[0]->in_flight = 0;
  EXPECT_EQ(cluster_->in_flight.load(), 5u);
}

TEST_F(UpstreamBalance, learns_the_latency_of_an_endpoint) {
  balance({.algorithm = Balance::peak_ewma});
  origin({{read_head(), pause(200ms), say(std::string(kHello)), listen_on()}});
  send();
  EXPECT_GE(latency(0), 200000u);
  EXPECT_LT(latency(0), 400000u);
}

TEST_F(UpstreamBalance, counts_failures_as_slow) {
  balance({.algorithm = Balance::peak_ewma});
  endpoint("10.9.9.9:80");
  send();
  EXPECT_GE(latency(0), 1000000u);
  addresses_.clear();
  origin({{read_head(), break_off()}});
  send();
  EXPECT_GE(latency(0), 1000000u);
}

TEST_F(UpstreamBalance, takes_the_time_that_a_client_waited_in_vain_as_a_latency) {
  balance({.algorithm = Balance::peak_ewma});
  origin({{read_head(), listen_on()}});
  send("", 3s);
  EXPECT_GE(latency(0), 2900000u);
  EXPECT_LT(latency(0), 3100000u);
}

TEST_F(UpstreamBalance, goes_to_a_lower_level_when_the_others_were_tried) {
  options_.retries.attempts = 2;
  endpoint("10.9.9.9:80");
  origin({answers(kHello)});
  addresses_[1].placement.priority = 1;
  cluster_->update("", addresses_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(send(), addresses_[1].address.text());
  EXPECT_EQ(cluster_->endpoints()->endpoints[0]->connect_failures.load(), 10u);
}

}  // namespace
}  // namespace weir

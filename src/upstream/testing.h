// Test support: requests to a cluster of scripted origins in the simulation. Included by tests
// only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "http/error_response.h"
#include "http/h1/scripted_origin.h"
#include "upstream/upstream.h"

namespace weir::test {

using namespace std::chrono_literals;

inline constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// What came back for one request.
struct Got {
  Error error;
  std::uint16_t status = 0;
  std::uint16_t shown = 0;  // to the client: the origin's status, or that of Weir's error page
  std::string body;
  std::uint16_t attempts = 0;
  bool reused = false;
  Address endpoint;
  Duration took{0};
};

struct Sent {
  std::string method = "GET";
  std::string body;  // empty: none
  bool host_of_endpoint = false;
  Duration within{0};  // what is left until its deadline; zero: it has none
  Duration leaves{0};  // the client goes after so long; zero: it stays
};

/// Ends a request as a client does that goes away.
struct Leave : Timer {
  explicit Leave(StopSource& of)
      : Timer([](Timer& self) {
          static_cast<Leave&>(self).client.request(
              Error(ErrorCode::client_gone, Origin::client, "test"));
        }),
        client(of) {}
  StopSource& client;
};

/// A cluster of scripted origins, and one worker that sends requests to it.
class UpstreamFixture : public ::testing::Test {
 protected:
  UpstreamFixture() { begin(1); }
  ~UpstreamFixture() override { end(); }

  void begin(std::uint64_t seed) {
    world_ = std::make_unique<SimWorld>(seed);
    loop_ = &world_->add_loop("10.0.0.1");
    cluster_ = std::make_shared<Cluster>("api");
    options_ = {};
    options_.exchange = {{}, {}, 10s, 10s};
  }
  void end() {
    run(*loop_, forget(*loop_, *cluster_));
    world_->stop_tasks();
    world_->run();
    origins_.clear();
    EXPECT_EQ(world_->check_clean(), "");
    world_.reset();
  }
  static Task<void> forget(Loop& loop, Cluster& cluster) {
    loop.slots().erase(cluster.worker_key());
    co_return;
  }

  /// One more endpoint of the cluster; `scripts` are those of its connections.
  ScriptedOrigin& origin(std::vector<Script> scripts) {
    std::string address = "10.0.1." + std::to_string(addresses_.size() + 1) + ":80";
    origins_.push_back(std::make_unique<ScriptedOrigin>(*world_, address, std::move(scripts)));
    endpoint(address);
    return *origins_.back();
  }
  /// An address that nobody listens on.
  Address endpoint(std::string_view address) {
    addresses_.push_back({*Address::parse(address), 1});
    cluster_->update("", addresses_);
    return addresses_.back().address;
  }

  Got send(Sent sent = {}) {
    Upstream upstream(cluster_, options_);
    return run(*loop_, talk(*loop_, upstream, std::move(sent)));
  }

  static Task<Got> talk(Loop& loop, const Upstream& upstream, Sent sent) {
    Got got;
    ConnectionFacts facts;
    StopSource client;
    Leave leave(client);
    if (sent.leaves > Duration::zero()) loop.timers().arm(leave, loop.now() + sent.leaves);
    auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
    TimePoint started = loop.now();
    co_await one(*exchange, upstream, sent, got);
    got.took = loop.now() - started;
    got.attempts = exchange->upstream().attempts;
    got.reused = exchange->upstream().reused;
    got.endpoint = exchange->upstream().endpoint;
    co_await exchange->finish();
    co_return got;
  }

  static Task<void> one(Exchange& exchange, const Upstream& upstream, const Sent& sent, Got& got) {
    Headers headers(exchange.arena());
    headers.add("Host", "a.test");
    Body* body = nullptr;
    if (!sent.body.empty()) body = exchange.own<MemoryBody>(Slice::unowned(sent.body));
    UpstreamRequest request{
        {parse_method(sent.method), sent.method, "/", &headers, body, {}, false},
        &headers,
        sent.host_of_endpoint};
    if (sent.within != Duration::zero()) {
      request.deadline.at = exchange.loop().now() + sent.within;
    }
    Result<Response> response = co_await upstream.send(exchange, request, upstream.options());
    if (!response) {
      got.error = response.error();
      got.shown = status_of(got.error);
      co_return;
    }
    got.status = got.shown = response->status;
    while (response->body != nullptr) {
      Result<Slice> piece = co_await response->body->read();
      if (!piece) got.error = piece.error();
      if (!piece || piece->empty()) break;
      got.body += piece->view();
    }
  }

  std::uint32_t in_flight() {
    std::uint32_t sum = 0;
    for (const auto& each : cluster_->endpoints()->endpoints) sum += each->in_flight.load();
    return sum;
  }
  /// How the leases of all workers were served.
  std::uint64_t counted(Counter PoolCounters::* which) {
    PoolCounters sum;
    cluster_->pools().add_to(sum);
    return (sum.*which).value();
  }

  std::unique_ptr<SimWorld> world_;
  SimLoop* loop_ = nullptr;
  std::shared_ptr<Cluster> cluster_;
  std::vector<WeightedAddress> addresses_;
  std::vector<std::unique_ptr<ScriptedOrigin>> origins_;
  UpstreamOptions options_;
};

}  // namespace weir::test

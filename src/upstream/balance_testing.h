// Test support: an upstream in the simulation with scripted origins, and requests to it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "http/h1/scripted_origin.h"
#include "upstream/upstream.h"

namespace weir::test {

using namespace std::chrono_literals;

inline constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

class UpstreamTest : public ::testing::Test {
 protected:
  UpstreamTest() {
    options_.exchange = {{}, {}, 10s, 10s};
    options_.retries.attempts = 1;
  }
  ~UpstreamTest() override {
    run(loop_, forget(loop_, *cluster_));
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
    origins_.push_back(std::make_unique<ScriptedOrigin>(world_, address, std::move(scripts)));
    endpoint(address);
  }
  void endpoint(std::string_view address) {
    addresses_.push_back({*Address::parse(address), 1});
    cluster_->update("", addresses_);
  }

  /// What came of a request.
  struct Answered {
    std::string endpoint;  // that answered or failed
    std::uint16_t status = 0;
    std::string cookie;  // that the client is to set
    std::string report;  // of the origin's load, if the client gets it
    ErrorCode error = ErrorCode::none;
  };

  /// The endpoint that answered or failed.
  std::string send(std::string_view user = "", Duration patience = 1h) {
    return ask(user, "", patience).endpoint;
  }
  Answered ask(std::string_view user, std::string_view cookie, Duration patience = 1h) {
    Upstream upstream(cluster_, options_);
    return run(loop_, talk(loop_, upstream, user, cookie, patience));
  }
  static Task<Answered> talk(Loop& loop, const Upstream& upstream, std::string_view user,
                             std::string_view cookie, Duration patience) {
    ConnectionFacts facts;
    StopSource client;
    auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
    if (!user.empty()) exchange->request().headers.add("X-User", user);
    if (!cookie.empty()) exchange->request().headers.add(HeaderId::cookie, cookie);
    exchange->scope().spawn(leave(loop, client, patience, exchange->stop()));
    Answered answered;
    co_await one(*exchange, upstream, answered);
    answered.endpoint = exchange->upstream().endpoint.text();
    co_await exchange->finish();
    co_return answered;
  }
  static Task<void> leave(Loop& loop, StopSource& client, Duration patience, StopToken stop) {
    (void)co_await loop.sleep_for(patience, stop);
    client.request({ErrorCode::client_gone, Origin::client, "left"});
  }
  static Task<void> one(Exchange& exchange, const Upstream& upstream, Answered& answered) {
    Headers headers(exchange.arena());
    headers.add("Host", "a.test");
    UpstreamRequest request{
        {parse_method("GET"), "GET", "/", &headers, nullptr, {}, false}, &headers, false};
    Result<Response> response = co_await upstream.send(exchange, request, upstream.options());
    if (response) {
      answered.status = response->status;
      answered.cookie = response->headers.get(HeaderId::set_cookie);
      answered.report = response->headers.get("endpoint-load-metrics");
    } else {
      answered.error = response.error().code;
    }
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
  std::vector<std::unique_ptr<ScriptedOrigin>> origins_;
  UpstreamOptions options_;
};

}  // namespace weir::test

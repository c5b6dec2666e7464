// What the tests of the cache share: an origin that says what it is told to, and clients on two
// workers.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/testing.h"
#include "io/sim/loop.h"
#include "middleware/cache.h"
#include "middleware/cache/answer.h"

namespace weir::test {

using namespace std::chrono_literals;

/// What an origin sends, piece by piece, each after a pause.
class SlowBody final : public Body {
 public:
  SlowBody(Loop& loop, std::vector<std::string> pieces, Duration pause,
           std::optional<std::uint64_t> length, Error end, StopToken stop)
      : loop_(loop),
        pieces_(std::move(pieces)),
        pause_(pause),
        length_(length),
        end_(end),
        stop_(stop) {}
  Task<Result<Slice>> read() override {
    Status slept = co_await loop_.sleep_for(pause_, stop_);
    if (!slept) co_return fail(slept.error());
    if (at_ < pieces_.size()) co_return copy_slice(pieces_[at_++]);
    if (end_.code != ErrorCode::none) co_return fail(end_);
    co_return Slice();
  }
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  Loop& loop_;
  std::vector<std::string> pieces_;
  Duration pause_;
  std::optional<std::uint64_t> length_;
  Error end_;
  StopToken stop_;
  std::size_t at_ = 0;
};

/// One answer of the origin.
struct Said {
  std::uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers{{"Cache-Control", "max-age=60"}};
  std::vector<std::string> pieces{"hello"};
  Duration before = 10ms;  // its head
  Duration pause = 10ms;   // each piece
  bool knows_length = true;
  Error failure;  // in place of a head
  Error end;      // in place of the end
};

class Teller final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    int number = ++asked;
    last.clear();
    for (const Header& each : exchange.request().headers) {
      last += std::string(each.name()) + ": " + std::string(each.value()) + "\n";
    }
    Said said = says(number, exchange);
    Status slept = co_await exchange.loop().sleep_for(said.before, exchange.stop());
    if (!slept) co_return fail(slept.error());
    if (said.failure.code != ErrorCode::none) co_return fail(said.failure);
    Response response(exchange.arena());
    response.status = said.status;
    std::uint64_t length = 0;
    for (const auto& each : said.pieces) length += each.size();
    for (const auto& [name, value] : said.headers) {
      response.headers.add(exchange.arena().copy(name), exchange.arena().copy(value));
    }
    if (said.status == 304) co_return response;
    response.body = exchange.own<SlowBody>(exchange.loop(), said.pieces, said.pause,
                                           said.knows_length ? std::optional(length) : std::nullopt,
                                           said.end, exchange.stop());
    co_return response;
  }

  std::function<Said(int, Exchange&)> says = [](int, Exchange&) { return Said{}; };
  mutable int asked = 0;
  mutable std::string last;
};

class Cached final : public Handler {
 public:
  Cached(const CacheMiddleware& cache, const Handler& origin) : cache_(cache), origin_(origin) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Result<Response> response = co_await cache_.handle(exchange, Next({}, origin_));
    use = exchange.cache_use();
    co_return response;
  }
  mutable CacheUse use = CacheUse::none;

 private:
  const CacheMiddleware& cache_;
  const Handler& origin_;
};

/// A client of its own, beside others.
struct Client {
  test::Asked asked;
  Duration at{};
  Duration leaves = 1h;
  test::Answer answer;
  Duration took{};
  bool done = false;
};

class CacheTest : public ::testing::Test {
 protected:
  ~CacheTest() override {
    test::run(loop_, cache::FillScope::finish(loop_));
    for (std::size_t i = 0; i < world_.loops(); ++i) world_.loop(i).slots().clear();
    middleware_.reset();
    world_.run_for(1s);
    EXPECT_EQ(world_.check_clean(), "");
  }

  CacheMiddleware& cache() {
    if (!middleware_) {
      config::Diagnostics diagnostics;
      Upstreams none;
      BuildParts parts{none, states_, states_, diagnostics};
      middleware_ = std::make_unique<CacheMiddleware>(config_, parts);
      EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
      chain_ = std::make_unique<Cached>(*middleware_, origin_);
      for (const auto& [name, store] : states_.all<cache::Store>()) store->open_disk();
    }
    return *middleware_;
  }
  cache::Store& store() {
    cache();
    return *states_.all<cache::Store>().front().second;
  }

  test::Answer ask(test::Asked asked = {}) {
    cache();
    return test::run(loop_, test::answer_of(loop_, *chain_, std::move(asked)));
  }
  test::Answer get(std::string target,
                   std::vector<std::pair<std::string, std::string>> headers = {}) {
    return ask({.target = std::move(target), .headers = std::move(headers)});
  }

  Task<void> visit(SimLoop& loop, Client& client) {
    (void)co_await loop.sleep_for(client.at);
    ConnectionFacts facts{*Address::parse("192.0.2.7:4711"), "front", false};
    Deadline patience(loop, client.leaves);
    auto exchange = std::make_unique<Exchange>(loop, facts, patience.token());
    exchange->set_client_ip(facts.peer.ip());
    TimePoint began = loop.now();
    co_await test::answer_into(*chain_, *exchange, client.asked, client.answer);
    client.took = loop.now() - began;
    co_await exchange->finish();
    client.done = true;
  }
  /// All of them at once, in turn on two workers.
  void visit_all(std::vector<Client>& clients) {
    cache();
    for (std::size_t i = 0; i < clients.size(); ++i) {
      SimLoop& loop = i % 2 == 0 ? loop_ : other_;
      world_.spawn(loop, visit(loop, clients[i]));
    }
    world_.run_for(20s);
    for (const Client& each : clients) EXPECT_TRUE(each.done);
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  SimLoop& other_ = world_.add_loop();
  CacheConfig config_;
  NamedStates states_;
  Teller origin_;
  std::unique_ptr<CacheMiddleware> middleware_;
  std::unique_ptr<Cached> chain_;
};

}  // namespace weir::test

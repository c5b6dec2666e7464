// A cluster of endpoints, five or two, that fall ill and get well again, behind health checks,
// outlier detection and retries. At no time more than two of five are ill, or one of two; where
// they have a name, DNS fails from time to time. What must hold: a request that may be repeated
// gets its answer, others reach endpoints once at most, repeating keeps to its budget, no more
// endpoints are ejected than may be, none has more connections than it may, none is forgotten, and
// all of them are back in time when all are well. In some worlds nobody looks after the endpoints:
// there the budget alone stands between two ill ones and all that could be repeated.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/log.h"
#include "moody_dns.h"
#include "moody_origin.h"
#include "seeds.h"
#include "server/endpoint_discovery.h"
#include "server/health_checks.h"
#include "server/sim_server.h"
#include "wire.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMany = 5;
constexpr std::size_t kFew = 2;
constexpr std::string_view kDnsServer = "10.0.0.53:53";
constexpr std::uint64_t kMaxEvents = 3'000'000;
constexpr double kFree = 20;
// Fewer than there are clients that may be at one endpoint.
constexpr std::uint32_t kFewConnections = 2;
// Above the time that a request may take: it meets one change at most.
constexpr Duration kBetweenChanges = seconds(6);
constexpr Duration kTrouble = seconds(30);
// Twice `every`, and the longest ejection with the second after which its end is noticed.
constexpr Duration kRecovery = seconds(15);

struct Asked {
  std::string path;
  std::string_view method = "GET";
  std::string_view body = {};
  unsigned status = 0;  // 0: no answer

  bool repeatable() const { return method != "POST"; }
};

class Quiet final : public ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

/// One seed: five endpoints, some clients, and a doctor who only makes things worse.
class Run {
 public:
  explicit Run(std::uint64_t seed)
      : random_(seed ^ 0x636c757374),
        world_(seed, weather(seed)),
        host_(world_, [](Loop&) { return std::make_unique<Quiet>(); }),
        control_(world_.add_loop("10.0.0.1")),
        checks_(control_),
        discovery_(control_, dns_settings(), seed),
        count_(random_.chance(250) ? kFew : kMany),
        most_ill_(count_ / 2),
        dns_(world_.network(), kDnsServer, addresses(), random_.next()),
        server_(world_.network(), host_),
        budget_(random_.chance(400)),
        blind_(budget_ && random_.chance(500)),
        max_ejected_(random_.chance(500) ? 1 : most_ill_),
        max_connections_(random_.chance(400) ? kFewConnections : 0),
        named_(random_.chance(500)) {
    server_.set_health(&checks_);
    server_.set_discovery(&discovery_);
  }

  std::uint64_t run() {
    start_origins();
    std::string text = config();
    test::run(control_, discovery_.prepare(test::config_of(text)));
    test::apply(world_, server_, std::move(text));
    world_.spawn(control_, tend());
    SimLoop& home = world_.add_loop("10.0.2.1");
    clients_ = 2 + random_.below(3);
    for (std::uint64_t i = 0, count = clients_; i < count; ++i) {
      world_.spawn(home, client(home, i, random_.next()));
    }
    plan_trouble();
    EXPECT_EQ(world_.run_until([&] { return clients_ == 0; }, kMaxEvents), SimWorld::End::reached);
    check_requests();
    for (auto& origin : origins_) origin->turn(Mood::well);
    dns_.turn(false);
    world_.run_for(kRecovery);
    for (const auto& endpoint : cluster().endpoints()->endpoints) {
      EXPECT_TRUE(endpoint->available()) << endpoint->text << " is not back";
    }
    finish();
    return world_.digest();
  }

 private:
  static SimFaults weather(std::uint64_t seed) {
    SimFaults drawn = SimFaults::drawn(seed);
    SimFaults mild;
    mild.partial = drawn.partial;
    mild.wait = drawn.wait;
    return mild;
  }

  std::string config() {
    std::string endpoints = "\"api.test:80\"";
    for (std::size_t i = 0; i < count_ && !named_; ++i) {
      endpoints = fmt::format("{}\"{}\"", i == 0 ? "" : endpoints + ", ", address(i));
    }
    std::string care = fmt::format(
        "    health: {{ path: /health, every: 1s, timeout: 500ms, fail: 2, pass: 2 }}\n"
        "    outliers: {{ gateway_errors: 3, base_time: 2s, max_time: 10s, max_ejected: {} }}\n",
        100 * max_ejected_ / count_);
    static constexpr std::string_view kBalance[] = {"round_robin", "least_requests", "random",
                                                    "power_of_two", "peak_ewma"};
    return fmt::format(
        "workers: {}\naccess_log: off\nadmin: off\nlisteners: [\"10.0.0.1:80\"]\n"
        "routes: [{{ reverse_proxy: api }}]\n"
        "upstreams:\n  api:\n    endpoints: [{}]\n    balance: {}\n    connect_timeout: 1s\n"
        "{}{}    retries: {{ attempts: 4, statuses: [502, 503, 504], per_try_timeout: 1s, "
        "body_limit: 1KiB{} }}\n",
        1 + random_.below(4), endpoints, kBalance[random_.below(std::size(kBalance))],
        blind_ ? "    outliers: off\n" : care,
        max_connections_ > 0 ? fmt::format("    endpoint_limits: {{ max_connections: {}, "
                                           "queue_timeout: 10s }}\n",
                                           max_connections_)
                             : "",
        budget_ ? fmt::format(", budget: {{ share: 0.1, min_per_second: {} }}", blind_ ? 0 : 1)
                : "");
  }

  static std::string ip(std::size_t index) { return fmt::format("10.0.1.{}", index + 1); }
  static std::string address(std::size_t index) { return ip(index) + ":80"; }
  std::vector<std::string> addresses() const {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count_; ++i) all.push_back(ip(i));
    return all;
  }
  static std::shared_ptr<const dns::Settings> dns_settings() {
    auto settings = std::make_shared<dns::Settings>();
    settings->servers.servers = {*Address::parse(kDnsServer)};
    return settings;
  }
  Cluster& cluster() { return *server_.clusters().front(); }

  void start_origins() {
    SimLoop& home = world_.add_loop("10.0.1.1");
    for (std::size_t i = 0; i < count_; ++i) {
      origins_.push_back(std::make_unique<MoodyOrigin>(home, address(i)));
      world_.spawn(home, origins_.back()->run());
    }
  }

  /// From time to time one endpoint changes; when two are ill, one of them gets well.
  void plan_trouble() {
    for (Duration at = milliseconds(random_.below(2000)); at < kTrouble; at += kBetweenChanges) {
      std::uint64_t which = random_.next();
      auto mood = static_cast<Mood>(1 + random_.below(kMoods - 1));
      world_.after(at, [this, which, mood] { change(which, mood); });
    }
    for (Duration at{0}; at < kTrouble; at += seconds(1 + random_.below(10))) {
      world_.after(at, [this, ill = random_.chance(600)] { dns_.turn(ill); });
    }
    for (Duration at{0}; at < kTrouble; at += milliseconds(50)) {
      world_.after(at, [this] { check_endpoints(); });
    }
  }

  void change(std::uint64_t which, Mood mood) {
    std::vector<MoodyOrigin*> ill, well;
    for (auto& origin : origins_) (origin->mood() == Mood::well ? well : ill).push_back(&*origin);
    if (ill.size() >= most_ill_) {
      ill[which % ill.size()]->turn(Mood::well);
    } else {
      well[which % well.size()]->turn(mood);
    }
  }

  void check_endpoints() {
    std::size_t ejected = 0;
    EXPECT_EQ(cluster().endpoints()->endpoints.size(), count_) << "one was forgotten";
    for (const auto& endpoint : cluster().endpoints()->endpoints) {
      ejected += endpoint->is(Away::ejected);
      EXPECT_LE(endpoint->places->open(), max_connections_) << "connections to " << endpoint->text;
    }
    EXPECT_LE(ejected, max_ejected_) << "more are ejected than may be";
  }

  Task<void> tend() {
    while (co_await control_.sleep_for(seconds(1), control_.stopping())) {
      server_.tend_clusters(control_.now(), control_.wall_now());
    }
  }

  Task<void> client(SimLoop& loop, std::uint64_t number, std::uint64_t seed) {
    Random random(seed);
    TimePoint end = loop.now() + kTrouble;
    for (int i = 0; loop.now() < end; ++i) {
      static constexpr std::string_view kMethods[] = {"GET", "GET", "GET", "PUT", "POST"};
      std::string_view method = kMethods[random.below(std::size(kMethods))];
      std::string_view body = method != "GET" && random.chance(700) ? "body" : "";
      asked_.push_back({fmt::format("/{}-{}", number, i), method, body});
      Asked asked = asked_.back();
      std::size_t place = asked_.size() - 1;
      asked_[place].status = co_await ask(loop, asked);
      (void)co_await loop.sleep_for(milliseconds(random.below(blind_ ? 300 : 800)),
                                    loop.stopping());
    }
    --clients_;
  }

  static Task<unsigned> ask(SimLoop& loop, Asked asked) {
    auto stream = co_await loop.connect(*Address::parse("10.0.0.1:80"), loop.stopping());
    if (!stream) co_return 0;
    Wire wire(**stream, loop.stopping());
    std::string length = fmt::format("Content-Length: {}\r\n", asked.body.size());
    std::string text =
        fmt::format("{} {} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{}\r\n{}", asked.method,
                    asked.path, asked.method == "GET" ? "" : length, asked.body);
    std::size_t written = 0;
    bool sent = co_await write_paced(**stream, text, {}, written, loop.stopping());
    Head head;
    bool whole = sent && co_await wire.head(head);
    co_return whole ? static_cast<unsigned>(std::stoul(head.first.substr(9, 3))) : 0;
  }

  void check_requests() {
    std::size_t repeated = 0;
    for (const Asked& asked : asked_) {
      unsigned received = 0;
      for (const auto& origin : origins_) {
        auto found = origin->received().find(asked.path);
        if (found != origin->received().end()) received += found->second;
      }
      if (!asked.repeatable()) EXPECT_LE(received, 1u) << asked.path << " was repeated";
      if (received > 1) repeated += received - 1;
      bool promised = asked.repeatable() && !budget_;
      if (promised) EXPECT_EQ(asked.status, 200u) << asked.path << " was lost";
      EXPECT_NE(asked.status, 0u) << asked.path << " got no answer";
    }
    // A budget is a balance: what comes in with requests and over time, what it may hold at first,
    // and what is free, connections that were found closed.
    double most = 0.1 * static_cast<double>(asked_.size()) + kFree;
    if (!blind_) most += static_cast<double>(kTrouble / seconds(1)) + 10;
    if (budget_) EXPECT_LE(static_cast<double>(repeated), most) << "the budget was exceeded";
  }

  void finish() {
    test::drain(world_, server_);
    world_.spawn(control_, checks_.finish());
    world_.spawn(control_, discovery_.finish());
    world_.stop_tasks();
    EXPECT_EQ(world_.run(kMaxEvents), SimWorld::End::reached);
    // As at the end of a thread: the pools go.
    for (std::size_t i = 0; i < world_.loops(); ++i) world_.loop(i).slots().clear();
    EXPECT_EQ(world_.run(kMaxEvents), SimWorld::End::reached);
    origins_.clear();
    EXPECT_EQ(world_.check_clean(), "");
  }

  Random random_;
  SimWorld world_;
  test::SimHost host_;
  SimLoop& control_;
  HealthChecks checks_;
  EndpointDiscovery discovery_;
  std::size_t count_;
  std::size_t most_ill_;
  MoodyDns dns_;
  Server server_;
  bool budget_;
  bool blind_;
  std::size_t max_ejected_;
  std::uint32_t max_connections_;  // 0: unlimited
  bool named_;
  std::vector<std::unique_ptr<MoodyOrigin>> origins_;
  std::vector<Asked> asked_;
  std::uint64_t clients_ = 0;
};

std::uint64_t run_world(std::uint64_t seed) {
  set_log_sink([](std::string_view) {});
  std::uint64_t digest = Run(seed).run();
  set_log_sink(nullptr);
  return digest;
}

TEST(ClusterInSimulation, loses_no_request_that_it_can_answer_and_keeps_to_its_limits) {
  for_each_seed(2000, [](std::uint64_t seed) {
    std::uint64_t digest = run_world(seed);
    if (seed % 16 == 1) EXPECT_EQ(digest, run_world(seed));
  });
}

TEST(ClusterInSimulation, is_the_same_in_another_process) {
  expect_same_in_another_process(10, run_world);
}

}  // namespace
}  // namespace weir::sim

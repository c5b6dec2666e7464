#include "server/health_checks.h"

#include <gmock/gmock.h>

#include "core/log.h"
#include "http/h1/scripted_origin.h"
#include "server/sim_server.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::listen_on;
using test::Script;
using test::ScriptedOrigin;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Texts = std::vector<std::string>;

const std::string kWell = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const std::string kSick = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";

/// A server in the simulation that has its endpoints checked.
class Room {
 public:
  explicit Room(std::uint64_t seed, const SimFaults& faults = {}) : world_(seed, faults) {
    set_log_sink([this](std::string_view line) { log_ += line; });
    server_.set_health(&checks_);
  }
  ~Room() {
    test::drain(world_, server_);
    world_.spawn(loop_, checks_.finish());
    world_.run();
    world_.stop_tasks();
    EXPECT_EQ(world_.run(), SimWorld::End::reached);
    origins_.clear();
    EXPECT_EQ(world_.check_clean(), "");
    set_log_sink(nullptr);
  }

  /// An origin at 10.0.1.N:80; what it does to its n-th connection, then always the last.
  ScriptedOrigin& origin(int number, std::vector<Script> scripts) {
    origins_.push_back(
        std::make_unique<ScriptedOrigin>(world_, address(number), std::move(scripts)));
    return *origins_.back();
  }
  static std::string address(int number) {
    return "10.0." + std::to_string(1 + number / 200) + "." + std::to_string(number % 200) + ":80";
  }

  /// Upstreams `api` with the endpoints 1 to `count`, and what comes after them.
  void put_in_force(int count, const std::string& health, const std::string& more = {}) {
    std::string list;
    for (int i = 1; i <= count; ++i) list += (i == 1 ? "\"" : ", \"") + address(i) + "\"";
    std::string text =
        "listeners: [\"10.0.0.1:80\"]\nroutes: [{ reverse_proxy: api }]\n"
        "upstreams: { api: { endpoints: [" +
        list + "], health: " + health + more + " } }\n";
    test::run(loop_, apply(text));
    world_.run_for(50ms);
  }
  Task<void> apply(std::string text) {
    config::Diagnostics diagnostics;
    EXPECT_TRUE(server_.apply(test::config_of(std::move(text)), diagnostics, [] {}))
        << diagnostics.render();
    co_return;
  }
  Cluster& cluster() { return *server_.clusters().at(0); }
  Texts available() {
    Texts all;
    for (const auto& each : cluster().endpoints()->endpoints) {
      if (each->available()) all.push_back(each->text);
    }
    return all;
  }
  const Health* health(std::size_t index = 0) {
    return checks_.find(cluster(), *cluster().endpoints()->endpoints.at(index));
  }
  int logged(std::string_view code) const {
    int count = 0;
    std::string mark = "\"" + std::string(code) + "\"";
    for (std::size_t at = 0; (at = log_.find(mark, at)) != log_.npos; ++at) ++count;
    return count;
  }
  /// When the availability of an endpoint is `wanted`; how long that took.
  Duration until_available(std::size_t index, bool wanted) {
    TimePoint before = world_.now();
    auto endpoint = cluster().endpoints()->endpoints.at(index);
    EXPECT_EQ(world_.run_until([&] { return endpoint->available() == wanted; }),
              SimWorld::End::reached);
    return world_.now() - before;
  }

  std::string log_;
  SimWorld world_;
  SimLoop& loop_ = world_.add_loop("10.0.0.1");
  struct Nobody final : ExchangeObserver {
    void exchange_ended(Exchange&) override {}
  };
  test::SimHost host_{world_, [](Loop&) { return std::make_unique<Nobody>(); }};
  HealthChecks checks_{loop_};
  Server server_{world_.network(), host_};
  std::vector<std::unique_ptr<ScriptedOrigin>> origins_;
};

class HealthChecksTest : public ::testing::Test, protected Room {
 protected:
  HealthChecksTest() : Room(1) {}
};

TEST_F(HealthChecksTest, checks_nothing_that_has_no_section) {
  ScriptedOrigin& one = origin(1, {answers(kWell)});
  put_in_force(1, "off");
  world_.run_for(60s);
  EXPECT_EQ(one.connections(), 0u);
  EXPECT_EQ(health(), nullptr);
}

TEST_F(HealthChecksTest, checks_at_once_and_then_every_five_seconds_whatever_the_workers) {
  ScriptedOrigin& one = origin(1, {answers(kWell)});
  put_in_force(1, "{}");
  EXPECT_EQ(one.connections(), 1u);
  world_.run_for(100s);
  EXPECT_GE(one.connections(), 20u);
  EXPECT_LE(one.connections(), 23u);
  EXPECT_TRUE(health()->healthy());
  EXPECT_THAT(log_, Not(HasSubstr("endpoint_"))) << "nothing has changed";
}

TEST_F(HealthChecksTest, takes_an_endpoint_away_within_the_documented_time_and_back) {
  origin(1, {answers(kWell)});
  ScriptedOrigin& two = origin(2, {answers(kWell)});
  put_in_force(2, "{}");
  world_.run_for(7s);
  world_.network().refuse(two.address());
  EXPECT_LE(until_available(1, false), 15s + 2s);
  EXPECT_THAT(available(), ElementsAre(address(1)));
  EXPECT_EQ(logged("endpoint_unhealthy"), 1);
  EXPECT_THAT(log_, HasSubstr("connect: connect_refused"));
  world_.run_for(60s);
  world_.network().heal(two.address());
  EXPECT_LE(until_available(1, true), 10s + 2s);
  EXPECT_EQ(logged("endpoint_healthy"), 1);
  EXPECT_EQ(logged("endpoint_unhealthy"), 1);
}

TEST_F(HealthChecksTest, notices_an_endpoint_that_hangs) {
  origin(1, {answers(kWell), {listen_on()}});
  origin(2, {answers(kWell)});
  put_in_force(2, "{ every: 1s, timeout: 500ms }");
  EXPECT_LE(until_available(0, false), 3s + 500ms);
  EXPECT_EQ(health()->last_failure(), "answer: timeout");
}

TEST_F(HealthChecksTest, begins_the_next_check_of_a_slow_endpoint_in_step) {
  ScriptedOrigin& one = origin(1, {{listen_on()}});
  put_in_force(1, "{ every: 1s, timeout: 1s }");
  world_.run_for(20s);
  EXPECT_GE(one.connections(), 19u);
  EXPECT_LE(one.connections(), 22u);
}

TEST_F(HealthChecksTest, leaves_an_endpoint_that_flaps_where_it_is) {
  std::vector<Script> flapping{answers(kWell)};
  for (int i = 0; i < 20; ++i) {
    flapping.push_back(answers(kSick));
    flapping.push_back(answers(kSick));
    flapping.push_back(answers(kWell));
  }
  origin(1, std::move(flapping));
  put_in_force(1, "{ every: 1s }");
  world_.run_for(55s);
  EXPECT_GT(health()->failed(), 30u);
  EXPECT_THAT(available(), ElementsAre(address(1)));
  EXPECT_EQ(logged("endpoint_unhealthy"), 0);
}

TEST_F(HealthChecksTest, believes_the_first_check_of_an_endpoint_alone) {
  origin(1, {answers(kWell)});
  put_in_force(2, "{}");
  EXPECT_THAT(available(), ElementsAre(address(1)));
}

TEST_F(HealthChecksTest, lets_all_be_tried_when_none_is_well) {
  put_in_force(2, "{}");
  EXPECT_THAT(available(), IsEmpty());
  Random random(1);
  std::uint64_t cursor = 0;
  EXPECT_TRUE(cluster().endpoints()->pick({.random = random, .cursor = cursor}));
}

// --- what changes ------------------------------------------------------------------------------

TEST_F(HealthChecksTest, checks_endpoints_that_come_and_forgets_those_that_go) {
  origin(1, {answers(kWell)});
  put_in_force(1, "{}");
  cluster().update("dns:x:80", {{*Address::parse(address(2)), 1}});
  world_.run_for(400ms);
  ASSERT_NE(health(1), nullptr);
  EXPECT_FALSE(health(1)->healthy());
  ScriptedOrigin& two = origin(2, {answers(kWell)});
  cluster().update("dns:x:80", {});
  world_.run_for(30s);
  EXPECT_EQ(two.connections(), 0u);
  EXPECT_THAT(available(), ElementsAre(address(1)));
}

TEST_F(HealthChecksTest, keeps_what_it_knows_when_a_reload_changes_nothing_of_the_check) {
  ScriptedOrigin& one = origin(1, {answers(kWell)});
  put_in_force(2, "{}");
  world_.run_for(2s);
  std::uint64_t failed = health(1)->failed();
  put_in_force(2, "{}", ", slow_start: 5s");
  world_.run_for(1s);
  EXPECT_EQ(one.connections(), 1u) << "the next is due in its time";
  EXPECT_EQ(health(1)->failed(), failed);
  EXPECT_FALSE(health(1)->healthy());
  put_in_force(3, "{}");
  EXPECT_EQ(one.connections(), 1u);
  EXPECT_TRUE(health(2)->checked()) << "the new one alone was checked";
}

TEST_F(HealthChecksTest, begins_a_changed_check_at_once_and_keeps_the_verdict) {
  ScriptedOrigin& one = origin(1, {answers(kWell)});
  put_in_force(2, "{}");
  world_.run_for(1s);
  origin(2, {answers(kWell)});
  put_in_force(2, "{ path: /up }");
  EXPECT_EQ(one.connections(), 2u);
  EXPECT_THAT(one.received(1), HasSubstr("GET /up "));
  EXPECT_TRUE(health(1)->last_passed());
  EXPECT_THAT(available(), ElementsAre(address(1))) << "one pass does not outweigh it";
  EXPECT_LE(until_available(1, true), 5s + 100ms);
}

TEST_F(HealthChecksTest, ends_a_check_under_way_when_another_takes_its_place) {
  ScriptedOrigin& one = origin(1, {{listen_on()}, answers(kWell)});
  put_in_force(1, "{ every: 1h, timeout: 1h }");
  put_in_force(1, "{}");
  EXPECT_EQ(one.connections(), 2u);
  EXPECT_EQ(health()->failed(), 0u) << "nobody has judged";
  EXPECT_EQ(health()->passed(), 1u);
}

TEST_F(HealthChecksTest, makes_everything_available_when_the_section_goes) {
  origin(1, {answers(kWell)});
  put_in_force(2, "{}");
  EXPECT_THAT(available(), ElementsAre(address(1)));
  put_in_force(2, "off");
  EXPECT_THAT(available(), ElementsAre(address(1), address(2)));
  EXPECT_THAT(log_, HasSubstr("no longer checked"));
  put_in_force(2, "{}");
  EXPECT_THAT(available(), ElementsAre(address(1))) << "and anew when it comes back";
}

// --- how many ----------------------------------------------------------------------------------

TEST_F(HealthChecksTest, has_a_limited_number_of_checks_under_way) {
  constexpr int kMost = HealthChecks::kConnectionsAtOnce;
  std::uint64_t before = 0;
  for (int count : {kMost - 1, kMost, kMost + 1}) {
    SCOPED_TRACE(count);
    std::string health = "{ every: 10m, timeout: 5s, path: /" + std::to_string(count) + " }";
    for (int i = 1; i <= count; ++i) world_.network().black_hole(*Address::parse(address(i)));
    put_in_force(count, health);
    world_.run_for(4s);
    EXPECT_EQ(checks_.durations().at("api").count(), before) << "all of them hang";
    world_.run_for(2s);
    before += static_cast<std::uint64_t>(std::min(count, kMost));
    EXPECT_EQ(checks_.durations().at("api").count(), before);
    EXPECT_EQ(checks_.late(), count > kMost ? 1u : 0u);
    world_.run_for(5s);
    if (count > kMost) ++before;
    EXPECT_EQ(checks_.durations().at("api").count(), before);
  }
}

TEST_F(HealthChecksTest, spreads_checks_over_time) {
  origin(1, {answers(kWell)});
  origin(2, {answers(kWell)});
  put_in_force(2, "{ every: 1s }");
  std::int64_t together = 0;
  for (int i = 0; i < 60; ++i) {
    world_.run_for(1s);
    auto apart = health(0)->last_at() - health(1)->last_at();
    if (std::abs(apart) < 1'000'000) ++together;
  }
  EXPECT_LT(together, 10);
}

TEST(HealthChecks, find_every_endpoint_well_once_the_network_is) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Room room(seed, SimFaults::drawn(seed));
    for (int i = 1; i <= 3; ++i) room.origin(i, {answers(kWell)});
    room.put_in_force(3, "{ every: 1s, timeout: 500ms }");
    room.world_.run_for(30s);
    room.world_.network().black_hole(*Address::parse(Room::address(2)));
    room.world_.run_for(4s);
    EXPECT_FALSE(room.cluster().endpoints()->endpoints[1]->available());
    room.world_.network().heal(*Address::parse(Room::address(2)));
    room.world_.faults() = {};
    room.world_.run_for(3s);
    EXPECT_EQ(room.available().size(), 3u);
  }
}

}  // namespace
}  // namespace weir

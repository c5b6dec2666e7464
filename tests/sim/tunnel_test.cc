// TCP tunnels in simulation: clients and servers that send, fall silent, read late, end one side
// and break off, over a network that breaks, with reloads. What must hold whatever happens: bytes
// arrive as they were sent, an end is passed on only behind all bytes that came before it, and what
// broke on one side never looks like an orderly end on the other; every tunnel ends once, and
// nothing is left at the end.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "seeds.h"
#include "server/exchange_observer.h"
#include "server/sim_server.h"
#include "talk.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMaxEvents = 3'000'000;
constexpr std::string_view kServers[] = {"10.0.1.1:1", "10.0.1.2:1"};
constexpr std::string_view kGreeter = "10.0.1.1:2";
constexpr std::string_view kTold = "10.0.1.2:3";
constexpr std::string_view kGreeting = "220 ready\r\n";

struct Counting final : ExchangeObserver {
  explicit Counting(std::size_t& to) : tunnels(to) {}
  void exchange_ended(Exchange&) override {}
  void tunnel_ended(const TunnelRecord&) override { ++tunnels; }
  std::size_t& tunnels;
};

std::string configuration(unsigned workers, bool swapped) {
  return fmt::format(
      "workers: {}\n"
      "tcp:\n"
      "  - {{ address: \"10.0.0.1:1\", upstream: plain, timeouts: {{ idle: 2h }} }}\n"
      "  - address: \"10.0.0.1:2\"\n"
      "    routes: [{{ match: {{ protocol: ssh }}, upstream: plain }}, {{ upstream: greeter }}]\n"
      "    timeouts: {{ idle: 2h }}\n"
      "  - {{ address: \"10.0.0.1:3\", upstream: told, timeouts: {{ idle: 2h }} }}\n"
      "upstreams:\n"
      "  plain: {{ endpoints: [{}], balance: {} }}\n"
      "  greeter: {{ endpoints: [\"{}\"] }}\n"
      "  told: {{ endpoints: [\"{}\"], proxy_protocol: v1 }}\n",
      workers,
      swapped ? fmt::format("\"{}\"", kServers[1])
              : fmt::format("\"{}\", \"{}\"", kServers[0], kServers[1]),
      swapped ? "random" : "least_requests", kGreeter, kTold);
}

Side drawn_side(Random& random, bool calm) {
  Side side;
  if (!random.chance(150)) {
    side.size = random.below(std::uint64_t{1} << random.below(random.chance(150) ? 20 : 12));
  }
  side.pieces = 1 + random.below(6);
  if (random.chance(300)) side.pause = Duration(random.below(seconds(2) / Duration(1)));
  if (random.chance(200)) side.deaf = Duration(random.below(seconds(20) / Duration(1)));
  if (!calm && random.chance(150)) side.breaks_at = random.below(side.size + 1);
  return side;
}

Talk drawn_talk(Random& random, std::uint64_t id, bool calm) {
  Talk talk;
  talk.id = id;
  talk.before = Duration(random.below(seconds(2) / Duration(1)));
  talk.client = drawn_side(random, calm);
  talk.server = drawn_side(random, calm);
  if (random.chance(300)) (random.chance(500) ? talk.client : talk.server).answers = true;
  switch (random.below(4)) {
    case 0: talk.address = "10.0.0.1:1"; break;
    case 1: talk.address = "10.0.0.1:2", talk.opening = "SSH-2.0-x\r"; break;
    case 2: talk.address = "10.0.0.1:2", talk.greeting = kGreeting; break;
    default: talk.address = "10.0.0.1:3", talk.proxied = true; break;
  }
  return talk;
}

struct Ended {
  std::uint64_t digest = 0;
  std::size_t talks = 0;
  std::size_t whole = 0;   // both sides got everything and the end
  std::size_t broken = 0;  // a side that had not broken off itself got a reset
};

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : calm_(seed % 4 == 0),
        random_(seed ^ 0x74756e6e656c),
        world_(seed, weather(seed)),
        talks_(world_),
        host_(world_, [this](Loop&) { return std::make_unique<Counting>(told_); }),
        server_(std::make_unique<Server>(world_.network(), host_)) {}

  Ended run() {
    workers_ = 1 + static_cast<unsigned>(random_.below(3));
    test::apply(world_, *server_, configuration(workers_, false));
    for (const auto& each : server_->listeners()) listeners_.push_back(each);
    start();
    if (random_.chance(400)) plan_reloads();
    if (world_.run_until([&] { return talks_.clients == 0; }, kMaxEvents) !=
        SimWorld::End::reached) {
      ADD_FAILURE() << "seed " << world_.seed() << ": clients wait for ever";
      std::abort();  // their frames refer to this run
    }
    finish();
    Ended ended{.digest = world_.digest()};
    for (auto& [id, talk] : talks_.all()) judge(talk, ended);
    return ended;
  }

 private:
  static SimFaults weather(std::uint64_t seed) {
    SimFaults drawn = SimFaults::drawn(seed);
    if (seed % 4 != 0) return drawn;
    SimFaults mild;
    mild.window_min = drawn.window_min;
    mild.window_max = drawn.window_max;
    mild.partial = drawn.partial;
    mild.wait = drawn.wait;
    return mild;
  }

  void start() {
    SimLoop* homes[2] = {&world_.add_loop("10.0.1.1"), &world_.add_loop("10.0.1.2")};
    world_.spawn(*homes[0], talks_.run_server(*homes[0], kServers[0], "", false));
    world_.spawn(*homes[1], talks_.run_server(*homes[1], kServers[1], "", false));
    world_.spawn(*homes[0], talks_.run_server(*homes[0], kGreeter, kGreeting, false));
    world_.spawn(*homes[1], talks_.run_server(*homes[1], kTold, "", true));
    SimLoop& home = world_.add_loop("10.0.2.1");
    std::uint64_t count = 2 + random_.below(6);
    for (std::uint64_t i = 1; i <= count; ++i) {
      Talk& talk = talks_.add(drawn_talk(random_, i, calm_));
      world_.spawn(home, talks_.run_client(home, talk));
    }
  }

  void plan_reloads() {
    for (std::uint64_t i = 0; i <= random_.below(3); ++i) {
      bool swapped = random_.chance(500);
      world_.after(milliseconds(500 * i + random_.below(2000)), [this, swapped] {
        config::Diagnostics diagnostics;
        EXPECT_TRUE(
            server_->apply(test::config_of(configuration(workers_, swapped)), diagnostics, [] {}));
      });
    }
  }

  void finish() {
    world_.run_for(seconds(6));  // the reloads that were planned
    test::drain(world_, *server_);
    world_.stop_tasks();
    EXPECT_EQ(world_.run(kMaxEvents), SimWorld::End::reached) << "seed " << world_.seed();
    std::size_t connections = 0;
    for (const auto& listener : listeners_) {
      SessionCounters sessions;
      listener->sessions.add_to(sessions);
      connections += sessions.connections.value();
      EXPECT_EQ(sessions.open.value(), 0u) << "seed " << world_.seed();
      EXPECT_EQ(sessions.tunnels.value(), 0u) << "seed " << world_.seed();
      EXPECT_EQ(listener->limits.open(), 0u) << "seed " << world_.seed();
    }
    EXPECT_EQ(told_, connections) << "seed " << world_.seed() << ": tunnels ended, connections";
    server_.reset();
    EXPECT_EQ(world_.check_clean(), "") << "seed " << world_.seed();
  }

  // `to` read what `from` sent.
  void judge(const Talk& talk, const Side& from, const Side& to) {
    if (to.wrong) talks_.fail(talk, "a byte that was not sent there");
    if (!to.met || to.end != ErrorCode::end_of_stream) return;
    if (!from.finished) talks_.fail(talk, "an end that nobody said");
    if (to.received != from.size) talks_.fail(talk, "an end ahead of bytes");
  }

  void judge(const Talk& talk, Ended& ended) {
    // It may have been greeted, and gone before the greeter knew who it was.
    bool greeted = !talk.opening.empty() && !talk.server.met && talk.client.wrong;
    if (talk.misled || greeted) {
      if (calm_) talks_.fail(talk, "the wrong server");
      return;
    }
    judge(talk, talk.client, talk.server);
    judge(talk, talk.server, talk.client);
    auto got_all = [](const Side& side) { return side.end == ErrorCode::end_of_stream; };
    bool whole = got_all(talk.client) && got_all(talk.server);
    if (calm_ && !whole) talks_.fail(talk, "nothing was wrong, and it did not get through");
    ++ended.talks;
    if (whole) ++ended.whole;
    for (const Side* side : {&talk.client, &talk.server}) {
      if (side->end == ErrorCode::reset && side->breaks_at == kNeverBreaks) ++ended.broken;
    }
  }

  bool calm_;
  Random random_;
  SimWorld world_;
  Talks talks_;
  std::size_t told_ = 0;
  test::SimHost host_;
  std::unique_ptr<Server> server_;
  std::vector<std::shared_ptr<SharedListener>> listeners_;
  unsigned workers_ = 1;
};

Ended run_world(std::uint64_t seed) { return Run(seed).run(); }

TEST(TunnelsInSimulation, pass_on_bytes_ends_and_resets_as_what_they_are) {
  Ended all;
  for_each_seed(2000, [&](std::uint64_t seed) {
    Ended ended = run_world(seed);
    if (seed % 16 == 1) {
      EXPECT_EQ(ended.digest, run_world(seed).digest) << "the seed does not decide everything";
    }
    all.talks += ended.talks;
    all.whole += ended.whole;
    all.broken += ended.broken;
  });
  if (all.talks < 1000) return;
  EXPECT_GT(all.whole * 3, all.talks) << "hardly any talk gets through";
  EXPECT_GT(all.broken * 20, all.talks) << "hardly anything breaks";
}

TEST(TunnelsInSimulation, are_the_same_in_another_process) {
  expect_same_in_another_process(25, [](std::uint64_t seed) { return run_world(seed).digest; });
}

}  // namespace
}  // namespace weir::sim

// The whole proxy in simulation: scripted clients, several workers, scripted origins, and a
// network that breaks. What must hold whatever happens: every request gets exactly one response
// or a clean end, bytes are never mixed or missing in silence, a POST reaches origins once at
// most, every exchange ends once, and nothing is left at the end.
#include "proxy.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "client.h"
#include "origin.h"
#include "seeds.h"

namespace weir::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kMaxEvents = 3'000'000;
constexpr std::string_view kOrigins[] = {"10.0.1.1:80", "10.0.1.2:80", "10.0.1.3:80",
                                         "10.0.1.4:80"};

std::size_t drawn_size(Random& random) {
  if (random.chance(200)) return 0;
  return random.below(std::uint64_t{1} << random.below(random.chance(100) ? 16 : 11));
}

Story drawn_story(Random& random, std::uint64_t id) {
  static constexpr std::string_view kMethods[] = {"GET",  "GET", "GET", "POST",
                                                  "POST", "PUT", "HEAD"};
  Story story;
  story.id = id;
  story.method = kMethods[random.below(7)];
  story.path = fmt::format("/{}/{}", random.chance(700) ? 'a' : 'b', id);
  story.response_size = drawn_size(random);
  story.old = random.chance(80);
  story.trailers = !story.old && random.chance(100);
  story.last = random.chance(100);
  if (story.method == "POST" || story.method == "PUT") {
    story.request_size = drawn_size(random);
    story.chunked = !story.old && random.chance(400);
    story.expect = !story.old && story.request_size > 0 && random.chance(200);
  } else if (story.method == "GET" && !story.old && random.chance(80)) {
    story.upgrade = true;
    story.request_size = drawn_size(random);
    story.last = false;
  }
  return story;
}

Visit drawn_visit(Random& random, Ledger& ledger, std::uint64_t first, bool keep_half_closed) {
  Visit visit;
  visit.before = Duration(random.below(milliseconds(500) / Duration(1)));
  visit.pace.pieces = 1 + random.below(5);
  if (random.chance(200)) visit.pace.pause = milliseconds(30);
  if (random.chance(500)) visit.together = 1 + random.below(4);
  visit.http2 = random.chance(300);
  visit.linger = random.chance(300);
  std::uint64_t count = 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    Story story = drawn_story(random, first + i);
    if (visit.http2) story.old = story.expect = story.last = false;
    bool ends = story.last || (story.upgrade && !visit.http2);
    if (story.upgrade && !visit.http2) visit.together = 1;
    visit.stories.push_back(&ledger.add(std::move(story)));
    if (ends) break;
  }
  if (visit.http2) visit.linger = false;
  visit.half_close = !visit.http2 && (keep_half_closed || !ledger.calm) && random.chance(100) &&
                     !visit.stories.back()->upgrade;
  if (ledger.calm) return visit;
  if (random.chance(60)) visit.pace.pause = seconds(4);
  if (random.chance(120)) visit.leave_after_writing = random.below(800);
  if (random.chance(120)) visit.leave_after_reading = random.below(1500);
  visit.leave_by_reset = random.chance(300);
  return visit;
}

Setup drawn_setup(Random& random) {
  Setup setup;
  setup.workers = 2 + static_cast<unsigned>(random.below(3));
  setup.keep_half_closed = random.chance(300);
  setup.max_requests = static_cast<unsigned>(random.below(3));
  setup.attempts = 1 + static_cast<unsigned>(random.below(3));
  setup.least_requests = random.chance(300);
  setup.left_http2 = random.chance(400);
  setup.right_http2 = random.chance(400);
  setup.resilient = random.chance(400);
  setup.buffered = random.chance(300);
  return setup;
}

Setup changed(Setup setup, Random& random) {
  setup.left = {std::string(kOrigins[random.below(4)])};
  if (random.chance(600)) setup.left.push_back(std::string(kOrigins[random.below(4)]));
  if (setup.left.back() == setup.left.front()) setup.left.resize(1);
  setup.swapped = random.chance(500);
  if (random.chance(200)) setup.left_http2 = !setup.left_http2;
  setup.second_listener = random.chance(300);
  if (random.chance(300)) setup.workers = 1 + static_cast<unsigned>(random.below(4));
  return setup;
}

struct Ended {
  std::uint64_t digest = 0;
  std::size_t requests = 0;
  std::size_t answers[4] = {};  // by Answer
};

/// One seed: a world, what is drawn for it, and its end.
class Run {
 public:
  explicit Run(std::uint64_t seed)
      : random_(seed ^ 0x70726f7879), world_(seed, weather(seed)), ledger_(world_) {
    ledger_.calm = calm(seed);
    ledger_.steady = steady(seed);
  }

  Ended run() {
    setup_ = drawn_setup(random_);
    proxy_ = std::make_unique<Proxy>(world_, ledger_);
    proxy_->apply(setup_);
    start_origins();
    start_clients();
    if (random_.chance(333)) plan_reloads();
    if (!ledger_.calm) plan_trouble();
    if (random_.chance(100)) plan_early_drain();
    bool ended = world_.run_until([&] { return ledger_.clients == 0; }, kMaxEvents) ==
                 SimWorld::End::reached;
    if (!ended) ledger_.fail(nullptr, "the clients wait for ever");
    if (ended) finish();
    Ended result{world_.digest(), ledger_.stories().size()};
    for (auto& [id, story] : ledger_.stories()) {
      ++result.answers[static_cast<int>(story.answer)];
    }
    return result;
  }

 private:
  static bool calm(std::uint64_t seed) { return seed % 4 == 0; }
  static bool steady(std::uint64_t seed) { return seed % 8 == 0; }
  static SimFaults weather(std::uint64_t seed) {
    SimFaults drawn = SimFaults::drawn(seed);
    if (!calm(seed)) return drawn;
    SimFaults mild;
    if (steady(seed)) return mild;
    mild.window_min = drawn.window_min;
    mild.window_max = drawn.window_max;
    mild.partial = drawn.partial;
    mild.wait = drawn.wait;
    return mild;
  }

  void start_origins() {
    SimLoop* homes[2] = {&world_.add_loop("10.0.1.1"), &world_.add_loop("10.0.1.2")};
    for (std::size_t i = 0; i < std::size(kOrigins); ++i) {
      origins_.push_back(std::make_unique<Origin>(*homes[i % 2], ledger_, kOrigins[i]));
      world_.spawn(*homes[i % 2], origins_.back()->run());
    }
  }

  void start_clients() {
    SimLoop& home = world_.add_loop("10.0.2.1");
    ledger_.clients = 2 + random_.below(3);
    for (std::uint64_t i = 0; i < ledger_.clients; ++i) {
      std::vector<Visit> visits;
      for (std::uint64_t k = 0; k <= random_.below(2); ++k) {
        std::uint64_t first = 1000 * (i + 1) + 100 * k + random_.below(80);
        visits.push_back(drawn_visit(random_, ledger_, first, setup_.keep_half_closed));
      }
      world_.spawn(home, run_client(home, ledger_, std::move(visits)));
    }
  }

  void plan_reloads() {
    for (std::uint64_t i = 0; i <= random_.below(3); ++i) {
      Setup next = changed(setup_, random_);
      if (next.workers < setup_.workers) ledger_.closes = true;
      setup_ = next;
      world_.after(milliseconds(400 * i + random_.below(400)),
                   [this, next] { proxy_->apply(next); });
    }
  }

  void plan_trouble() {
    if (random_.chance(600)) return;
    Address victim = *Address::parse(kOrigins[random_.below(4)]);
    std::uint64_t kind = random_.below(3);
    world_.after(milliseconds(random_.below(800)), [this, victim, kind] {
      if (kind == 0) world_.network().refuse(victim);
      if (kind == 1) world_.network().black_hole(victim);
      for (int socket : world_.network().accepted_at(victim)) {
        kind == 2 ? world_.network().silence(socket) : world_.network().reset(socket);
      }
    });
    world_.after(milliseconds(800 + random_.below(3000)),
                 [this, victim] { world_.network().heal(victim); });
  }

  void plan_early_drain() {
    if (ledger_.calm) return;
    Duration patience = seconds(random_.below(20));
    world_.after(milliseconds(random_.below(1500)), [this, patience] { proxy_->drain(patience); });
  }

  void finish() {
    proxy_->drain(seconds(30));
    bool drained =
        world_.run_until([&] { return proxy_->drained(); }, kMaxEvents) == SimWorld::End::reached;
    if (!drained) return ledger_.fail(nullptr, "the drain does not end");
    world_.stop_tasks();
    if (world_.run(kMaxEvents) != SimWorld::End::reached) {
      return ledger_.fail(nullptr, "something runs for ever");
    }
    world_.run_for(seconds(40));  // the abort that was planned
    check_sessions();
    ledger_.check_ends();
    proxy_.reset();
    origins_.clear();
    std::string left = world_.check_clean();
    if (!left.empty()) ledger_.fail(nullptr, "left over:\n" + left);
  }

  void check_sessions() {
    SessionCounters sessions;
    proxy_->sessions(sessions);
    if (sessions.requests.value() != ledger_.exchanges) {
      ledger_.fail(nullptr, fmt::format("{} exchanges began and {} ended",
                                        sessions.requests.value(), ledger_.exchanges));
    }
    if (sessions.open.value() != 0 || sessions.idle.value() != 0 || sessions.tunnels.value() != 0) {
      ledger_.fail(nullptr, "a session is still counted");
    }
    if (proxy_->host().running() != 0) ledger_.fail(nullptr, "a worker is left");
  }

  Random random_;
  SimWorld world_;
  Ledger ledger_;
  Setup setup_;
  std::unique_ptr<Proxy> proxy_;
  std::vector<std::unique_ptr<Origin>> origins_;
};

Ended run_world(std::uint64_t seed) { return Run(seed).run(); }

TEST(ProxyInSimulation, answers_each_request_once_or_ends_cleanly_whatever_breaks) {
  std::size_t requests = 0;
  std::size_t answers[4] = {};
  for_each_seed(2000, [&](std::uint64_t seed) {
    Ended first = run_world(seed);
    if (seed % 16 == 1) {
      EXPECT_EQ(first.digest, run_world(seed).digest) << "the seed does not decide everything";
    }
    requests += first.requests;
    for (int i = 0; i < 4; ++i) answers[i] += first.answers[i];
  });
  if (requests < 1000) return;
  for (std::size_t each : answers) EXPECT_GT(each, requests / 100) << "something never happens";
  EXPECT_GE(answers[static_cast<int>(Answer::origin)] * 2, requests)
      << "too much trouble: hardly any request gets through";
}

TEST(ProxyInSimulation, is_the_same_in_another_process) {
  expect_same_in_another_process(25, [](std::uint64_t seed) { return run_world(seed).digest; });
}

}  // namespace
}  // namespace weir::sim

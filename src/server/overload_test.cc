#include "server/overload.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "core/log.h"
#include "core/random.h"
#include "server/lag_probe.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

class OverloadTest : public ::testing::Test {
 protected:
  OverloadTest() {
    set_log_sink([this](std::string_view line) { log_ += line; });
    for (int i = 0; i < 2; ++i) {
      workers_.push_back(std::make_unique<Gathered<WorkerLoad>::Part>(overload_.loads()));
    }
  }
  ~OverloadTest() override { set_log_sink(nullptr); }

  /// Requests of clients who would like to have that many under way at each worker; what is refused
  /// now is. What was under way stays.
  void want(std::uint64_t each) {
    for (auto& worker : workers_) {
      while ((*worker)->requests.value() < each) {
        (*worker)->requests.add();
        if (!overload_.refuses_request(**worker)) continue;
        (*worker)->requests.subtract();
        break;
      }
    }
  }
  void finish(std::uint64_t left) {
    for (auto& worker : workers_) {
      while ((*worker)->requests.value() > left) (*worker)->requests.subtract();
    }
  }
  std::uint64_t under_way() {
    WorkerLoad sum;
    overload_.loads().add_to(sum);
    return sum.requests.value();
  }
  void sense(std::uint64_t memory, Duration lag = 0ms, int times = 1) {
    for (int i = 0; i < times; ++i) {
      overload_.sense(policy_, {.memory = memory, .lag = lag, .connections = 200, .workers = 2});
    }
  }
  bool began() { return log_.find("overload_began") != std::string::npos; }
  bool ended() { return log_.find("overload_ended") != std::string::npos; }

  Overload overload_;
  std::vector<std::unique_ptr<Gathered<WorkerLoad>::Part>> workers_;
  OverloadPolicy policy_{.max_memory = 1000, .max_lag = 100ms};
  std::string log_;
};

TEST_F(OverloadTest, refuses_nothing_up_to_the_ceilings) {
  sense(1000, 100ms, 10);
  want(10'000);
  EXPECT_EQ(under_way(), 20'000u);
  EXPECT_FALSE(overload_.refuses_connection(1'000'000));
  EXPECT_FALSE(began());
}

TEST_F(OverloadTest, refuses_what_is_new_and_leaves_alone_what_runs) {
  want(50);
  sense(1001);
  EXPECT_TRUE(began());
  EXPECT_EQ(under_way(), 100u);
  want(60);
  EXPECT_EQ(under_way(), 100u);
  EXPECT_EQ(overload_.figures().refused_requests, 2u);
  finish(40);
  want(60);
  EXPECT_EQ(under_way(), 100u) << "as many as there were may run";
}

TEST_F(OverloadTest, lets_a_little_in_at_first_though_nothing_was_under_way) {
  sense(0, 101ms);
  want(50);
  EXPECT_EQ(under_way(), 8u);
  sense(0, 101ms, 10);
  finish(0);
  want(50);
  EXPECT_EQ(under_way(), 0u);
}

TEST_F(OverloadTest, lets_less_and_less_in_while_it_lasts_down_to_nothing) {
  want(50);
  sense(1001);
  std::uint64_t before = under_way();
  for (int i = 0; i < 5; ++i) {
    sense(1001);
    finish(0);
    want(1000);
    EXPECT_LT(under_way(), before);
    before = under_way();
  }
  sense(1001, 0ms, 30);
  finish(0);
  want(1000);
  EXPECT_EQ(under_way(), 0u);
}

TEST_F(OverloadTest, always_lets_a_few_connections_in_to_hear_why) {
  sense(1001, 0ms, 100);
  EXPECT_FALSE(overload_.refuses_connection(Overload::kLeastConnections));
  EXPECT_TRUE(overload_.refuses_connection(Overload::kLeastConnections + 1));
  EXPECT_EQ(overload_.figures().refused_connections, 1u);
}

TEST_F(OverloadTest, cuts_connections_back_from_as_many_as_there_were) {
  sense(1001);
  EXPECT_FALSE(overload_.refuses_connection(200));
  EXPECT_TRUE(overload_.refuses_connection(201));
  sense(1001);
  EXPECT_TRUE(overload_.refuses_connection(161));
}

TEST_F(OverloadTest, waits_between_nine_tenths_of_the_ceiling_and_all_of_it) {
  want(50);
  sense(1001, 0ms, 3);
  finish(0);
  sense(950, 0ms, 100);
  want(1000);
  EXPECT_LT(under_way(), 100u);
  EXPECT_FALSE(ended());
}

TEST_F(OverloadTest, opens_up_little_by_little_and_is_over_soon) {
  want(50);
  sense(1001, 0ms, 40);
  finish(0);
  std::uint64_t before = 0;
  int samples = 0;
  while (!ended() && samples < 100) {
    sense(100);
    ++samples;
    finish(0);
    want(200);
    EXPECT_GE(under_way(), before);
    before = under_way();
  }
  EXPECT_TRUE(ended());
  EXPECT_GT(samples, 4);
  EXPECT_LE(samples * Overload::kInterval, 10s);
  finish(0);
  want(1000);
  EXPECT_EQ(under_way(), 2000u);
  EXPECT_FALSE(overload_.refuses_connection(1'000'000));
}

TEST_F(OverloadTest, goes_by_lag_as_well) {
  want(50);
  sense(0, 101ms);
  EXPECT_TRUE(overload_.figures().lag);
  EXPECT_FALSE(overload_.figures().memory);
  want(60);
  EXPECT_EQ(under_way(), 100u);
  sense(0, 0ms, 40);
  EXPECT_FALSE(overload_.figures().lag);
  EXPECT_TRUE(ended());
}

TEST_F(OverloadTest, is_over_when_a_reload_takes_the_ceilings_away) {
  sense(1001);
  policy_ = {};
  sense(1'000'000, 10s, 40);
  EXPECT_TRUE(ended());
}

TEST_F(OverloadTest, bears_figures_that_cannot_be) {
  Random random(5);
  for (int i = 0; i < 10'000; ++i) {
    policy_.max_memory = random.next() >> (random.next() % 64);
    policy_.max_lag =
        Duration(static_cast<std::int64_t>(random.next() >> (1 + random.next() % 60)));
    overload_.sense(policy_, {.memory = random.next() >> (random.next() % 64),
                              .lag = Duration(static_cast<std::int64_t>(random.next())),
                              .connections = random.next() >> (random.next() % 64),
                              .workers = static_cast<unsigned>(random.next() % 3)});
    EXPECT_FALSE(overload_.refuses_connection(1));
  }
  policy_ = {};
  for (int i = 0; i < 1000; ++i) sense(0);
  want(1000);
  EXPECT_EQ(under_way(), 2000u);
}

// --- the lag -----------------------------------------------------------------------------------

TEST(LagProbe, tells_the_lag_of_the_slowest_worker) {
  LagProbe probe;
  TimePoint now{1h};
  auto round = probe.begin(now);
  round->arrived(now + 30ms);
  round->arrived(now + 70ms);
  round->arrived(now + 10ms);
  round->finish();
  EXPECT_EQ(probe.lag(now + 1s), 70ms);
  EXPECT_EQ(probe.lag(now + 9s), 70ms);
}

TEST(LagProbe, tells_of_a_worker_that_does_not_answer_at_all) {
  LagProbe probe;
  TimePoint now{1h};
  auto round = probe.begin(now);
  EXPECT_EQ(probe.begin(now + 1s), nullptr);
  EXPECT_EQ(probe.lag(now + 2s), 2s);
  round->arrived(now + 3s);
  round->finish();
  EXPECT_EQ(probe.lag(now + 3s), 3s);
  round = probe.begin(now + 3s);
  round->arrived(now + 3s);
  round->finish();
  EXPECT_EQ(probe.lag(now + 4s), 0s);
}

}  // namespace
}  // namespace weir

#include "cluster/breaker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/log.h"
#include "core/random.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using enum AttemptResult;
using State = CircuitBreaker::State;

class CircuitBreakerTest : public ::testing::Test {
 protected:
  CircuitBreakerTest() {
    set_log_sink([this](std::string_view line) { log_ += line; });
  }
  ~CircuitBreakerTest() override { set_log_sink(nullptr); }

  /// Admits so many and tells of each at once; how many were admitted.
  int pass(AttemptResult result, int times) {
    int admitted = 0;
    for (int i = 0; i < times; ++i) {
      auto probe = breaker_.admit(policy_, now_);
      if (!probe) continue;
      ++admitted;
      breaker_.tell(policy_, *probe, result, now_);
    }
    return admitted;
  }
  void open() {
    pass(no_answer, 20);
    ASSERT_EQ(breaker_.state(), State::open);
  }
  CircuitBreaker::Probe probe() {
    auto probe = breaker_.admit(policy_, now_);
    EXPECT_TRUE(probe);
    return probe.value_or(0);
  }
  bool refuses() { return !breaker_.admit(policy_, now_); }

  BreakerPolicy policy_{.failure_rate = 50};
  CircuitBreaker breaker_{"api"};
  TimePoint now_{1h};
  std::string log_;
};

TEST_F(CircuitBreakerTest, opens_when_the_share_of_failures_is_reached_and_not_before) {
  policy_.min_requests = 1;
  pass(answered, 51);
  pass(not_connected, 50);
  EXPECT_EQ(breaker_.state(), State::closed);
  pass(gateway_error, 1);
  EXPECT_EQ(breaker_.state(), State::open);
  EXPECT_EQ(breaker_.opened(), 1u);
  EXPECT_TRUE(refuses());
}

TEST_F(CircuitBreakerTest, opens_for_no_share_of_too_few) {
  pass(no_answer, 19);
  EXPECT_EQ(breaker_.state(), State::closed);
  pass(no_answer, 1);
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(CircuitBreakerTest, takes_other_errors_for_answers_and_the_unknown_for_nothing) {
  pass(error, 100);
  pass(unknown, 100);
  EXPECT_EQ(breaker_.state(), State::closed);
  pass(no_answer, 99);
  EXPECT_EQ(breaker_.state(), State::closed);
  pass(no_answer, 1);
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(CircuitBreakerTest, forgets_what_lies_behind_the_window) {
  pass(no_answer, 19);
  now_ += policy_.window + 1ms;
  pass(no_answer, 19);
  EXPECT_EQ(breaker_.state(), State::closed);
  now_ += policy_.window / 2;
  pass(no_answer, 1);
  EXPECT_EQ(breaker_.state(), State::open);
}

TEST_F(CircuitBreakerTest, says_when_it_is_worth_to_ask_again) {
  open();
  now_ += 1500ms;
  auto refused = breaker_.admit(policy_, now_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::breaker_open);
  EXPECT_EQ(refused.error().origin, Origin::weir);
  EXPECT_EQ(refused.error().retry_after, 4);
  now_ += 3499ms;
  EXPECT_EQ(breaker_.admit(policy_, now_).error().retry_after, 1);
}

TEST_F(CircuitBreakerTest, lets_through_so_many_probes_and_closes_when_all_succeed) {
  open();
  now_ += policy_.open_time;
  auto first = probe(), second = probe(), third = probe();
  EXPECT_EQ(breaker_.state(), State::half_open);
  EXPECT_TRUE(refuses());
  breaker_.tell(policy_, first, answered, now_);
  breaker_.tell(policy_, second, error, now_);
  EXPECT_EQ(breaker_.state(), State::half_open);
  EXPECT_TRUE(refuses());
  breaker_.tell(policy_, third, answered, now_);
  EXPECT_EQ(breaker_.state(), State::closed);
  EXPECT_EQ(pass(no_answer, 19), 19);
  EXPECT_EQ(breaker_.state(), State::closed) << "what was before is forgotten";
}

TEST_F(CircuitBreakerTest, opens_again_for_the_whole_time_when_one_probe_fails) {
  open();
  now_ += policy_.open_time;
  auto first = probe(), second = probe();
  breaker_.tell(policy_, first, answered, now_);
  now_ += 1s;
  breaker_.tell(policy_, second, gateway_error, now_);
  EXPECT_EQ(breaker_.state(), State::open);
  EXPECT_EQ(breaker_.opened(), 2u);
  now_ += policy_.open_time - 1ms;
  EXPECT_TRUE(refuses());
  now_ += 1ms;
  EXPECT_FALSE(refuses());
}

TEST_F(CircuitBreakerTest, lets_another_probe_through_for_one_that_says_nothing) {
  policy_.probes = 1;
  open();
  now_ += policy_.open_time;
  breaker_.tell(policy_, probe(), unknown, now_);
  auto second = probe();
  EXPECT_TRUE(refuses());
  breaker_.give_back(second);
  breaker_.tell(policy_, probe(), answered, now_);
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(CircuitBreakerTest, does_not_listen_to_probes_of_an_earlier_phase) {
  policy_.probes = 2;
  open();
  now_ += policy_.open_time;
  auto late = probe(), failed = probe();
  breaker_.tell(policy_, failed, no_answer, now_);
  now_ += policy_.open_time;
  auto first = probe();
  breaker_.tell(policy_, late, no_answer, now_);
  EXPECT_EQ(breaker_.state(), State::half_open);
  breaker_.tell(policy_, late, answered, now_);
  breaker_.tell(policy_, first, answered, now_);
  EXPECT_EQ(breaker_.state(), State::half_open);
  breaker_.tell(policy_, probe(), answered, now_);
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(CircuitBreakerTest, does_not_count_what_began_before_it_opened) {
  open();
  for (int i = 0; i < 100; ++i) breaker_.tell(policy_, 0, no_answer, now_);
  EXPECT_EQ(breaker_.opened(), 1u);
  now_ += policy_.open_time;
  for (int i = 0; i < 3; ++i) breaker_.tell(policy_, probe(), answered, now_);
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(CircuitBreakerTest, closes_though_a_reload_asks_for_more_probes_meanwhile) {
  open();
  now_ += policy_.open_time;
  auto first = probe(), second = probe(), third = probe();
  policy_.probes = 10;
  for (auto each : {first, second, third}) breaker_.tell(policy_, each, answered, now_);
  EXPECT_EQ(breaker_.state(), State::closed);
}

TEST_F(CircuitBreakerTest, logs_a_line_when_it_opens_and_when_it_closes) {
  open();
  EXPECT_NE(
      log_.find("\"breaker_opened\",\"upstream\":\"api\",\"reason\":\"20 of 20 attempts failed\""),
      std::string::npos)
      << log_;
  log_.clear();
  now_ += policy_.open_time;
  pass(answered, 10);
  EXPECT_NE(log_.find("\"breaker_closed\""), std::string::npos);
}

// Whatever happens: no more probes than asked for are out at a time, and it closes in the end.
TEST_F(CircuitBreakerTest, is_never_stuck) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    CircuitBreaker breaker("api");
    BreakerPolicy policy{.failure_rate = 1 + static_cast<std::uint32_t>(random.next() % 100),
                         .min_requests = 1 + static_cast<std::uint32_t>(random.next() % 10),
                         .window = 1s,
                         .open_time = 100ms,
                         .probes = 1 + static_cast<std::uint32_t>(random.next() % 4)};
    std::vector<CircuitBreaker::Probe> out;
    for (int step = 0; step < 2000; ++step) {
      now_ += Duration(random.next() % 10'000'000);
      if (auto probe = breaker.admit(policy, now_)) out.push_back(*probe);
      if (breaker.state() == State::half_open) {
        ASSERT_LE(std::ranges::count_if(out, [&](auto each) { return each == out.back(); }),
                  out.back() == 0 ? 2000 : policy.probes);
      }
      if (out.empty() || random.next() % 3 == 0) continue;
      std::size_t which = random.next() % out.size();
      breaker.tell(policy, out[which], static_cast<AttemptResult>(random.next() % 6), now_);
      out.erase(out.begin() + static_cast<std::ptrdiff_t>(which));
    }
    for (auto each : out) breaker.give_back(each);
    for (int i = 0; i < 10 && breaker.state() != State::closed; ++i) {
      now_ += policy.open_time;
      for (std::uint32_t k = 0; k < policy.probes; ++k) {
        if (auto probe = breaker.admit(policy, now_)) breaker.tell(policy, *probe, answered, now_);
      }
    }
    ASSERT_EQ(breaker.state(), State::closed) << "seed " << seed;
  }
}

// --- the window --------------------------------------------------------------------------------

TEST(RollingRate, counts_nine_to_ten_tenths_of_the_window) {
  RollingRate rate;
  TimePoint now{1h};
  rate.add(true, now, 10s);
  rate.add(false, now + 9s, 10s);
  EXPECT_EQ(rate.count(now + 9s, 10s).all, 2u);
  EXPECT_EQ(rate.count(now + 9s, 10s).failed, 1u);
  EXPECT_EQ(rate.count(now + 10s, 10s).all, 1u);
  EXPECT_EQ(rate.count(now + 100s, 10s).all, 0u);
}

TEST(RollingRate, starts_a_slice_anew_when_its_turn_comes_again) {
  RollingRate rate;
  TimePoint now{1h};
  for (int i = 0; i < 100; ++i) rate.add(true, now, 10s);
  now += 10s;
  rate.add(false, now, 10s);
  EXPECT_EQ(rate.count(now, 10s).all, 1u);
  EXPECT_EQ(rate.count(now, 10s).failed, 0u);
}

}  // namespace
}  // namespace weir

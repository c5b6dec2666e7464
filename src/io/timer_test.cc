#include "io/timer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "core/random.h"

namespace weir {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{hours(1)};

struct Recorder : Timer {
  Recorder(TimerWheel& timers, std::vector<int>& into, int n)
      : Timer([](Timer& timer) {
          auto& self = static_cast<Recorder&>(timer);
          self.fired.push_back(self.number);
          self.times++;
        }),
        wheel(timers),
        fired(into),
        number(n) {}
  TimerWheel& wheel;
  std::vector<int>& fired;
  int number;
  int times = 0;
};

class TimerTest : public ::testing::Test {
 protected:
  TimerTest() { wheel.advance(kStart); }
  Recorder& make() { return timers.emplace_back(wheel, fired, static_cast<int>(timers.size())); }
  // Goes from one due time to the next, as a loop does.
  void run_to(TimePoint end) {
    for (TimePoint next = wheel.next(); next <= end; next = wheel.next()) wheel.advance(next);
    wheel.advance(end);
  }

  TimerWheel wheel;
  std::vector<int> fired;
  std::deque<Recorder> timers;
};

TEST_F(TimerTest, fires_at_its_deadline_or_up_to_a_millisecond_later) {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    TimerWheel fresh;
    TimePoint start = kStart + Duration(random.below(std::uint64_t{1} << 50));
    fresh.advance(start);
    std::vector<int> unused;
    Recorder timer(fresh, unused, 0);
    TimePoint deadline = start + Duration(1 + random.below(std::uint64_t{1} << random.below(50)));
    fresh.arm(timer, deadline);
    TimePoint now = start;
    while (timer.times == 0) {
      ASSERT_GT(fresh.next(), now);
      now = fresh.next();
      fresh.advance(now);
    }
    ASSERT_GE(now, deadline);
    ASSERT_LE(now - deadline, milliseconds(1));
  }
}

TEST_F(TimerTest, does_not_fire_before_its_deadline) {
  Recorder& timer = make();
  wheel.arm(timer, kStart + milliseconds(100) + microseconds(1));
  wheel.advance(kStart + milliseconds(100));
  EXPECT_TRUE(fired.empty());
  wheel.advance(kStart + milliseconds(101));
  EXPECT_EQ(fired.size(), 1u);
  wheel.advance(kStart + seconds(10));
  EXPECT_EQ(fired.size(), 1u);
}

TEST_F(TimerTest, ten_thousand_fire_in_order_whether_time_creeps_or_leaps) {
  for (Duration step :
       {Duration(milliseconds(1)), Duration(milliseconds(777)), Duration(hours(2000))}) {
    TimerWheel fresh;
    fresh.advance(kStart);
    std::vector<int> order;
    std::deque<Recorder> many;
    std::vector<std::pair<std::int64_t, int>> expected;
    Random random(7);
    for (int i = 0; i < 10'000; ++i) {
      auto at = static_cast<std::int64_t>(1 + random.below(5'000));
      many.emplace_back(fresh, order, i);
      fresh.arm(many.back(), kStart + milliseconds(at));
      expected.emplace_back(at, i);
    }
    for (TimePoint now = kStart; order.size() < many.size();) fresh.advance(now += step);
    ASSERT_EQ(fresh.next(), TimePoint::max());
    for (std::size_t i = 1; i < order.size(); ++i) {
      ASSERT_LE(many[static_cast<std::size_t>(order[i - 1])].deadline(),
                many[static_cast<std::size_t>(order[i])].deadline());
    }
  }
}

TEST_F(TimerTest, moves_later_and_earlier) {
  Recorder& timer = make();
  wheel.arm(timer, kStart + milliseconds(50));
  wheel.arm(timer, kStart + seconds(5));
  run_to(kStart + seconds(4));
  EXPECT_TRUE(fired.empty());
  wheel.arm(timer, kStart + milliseconds(4'100));
  run_to(kStart + milliseconds(4'100));
  EXPECT_EQ(fired.size(), 1u);
  EXPECT_FALSE(timer.armed());
}

TEST_F(TimerTest, moved_later_a_thousand_times_fires_once) {
  Recorder& timer = make();
  for (int i = 0; i < 1000; ++i) {
    wheel.arm(timer, kStart + milliseconds(i * 10 + 100));
    run_to(kStart + milliseconds(i * 10));
  }
  EXPECT_TRUE(fired.empty());
  run_to(kStart + seconds(20));
  EXPECT_EQ(timer.times, 1);
}

TEST_F(TimerTest, is_forgotten_when_disarmed_or_destroyed) {
  Recorder& disarmed = make();
  wheel.arm(disarmed, kStart + seconds(1));
  {
    Recorder destroyed(wheel, fired, 99);
    wheel.arm(destroyed, kStart + seconds(1));
  }
  wheel.disarm(disarmed);
  EXPECT_EQ(wheel.next(), TimePoint::max());
  run_to(kStart + seconds(2));
  EXPECT_TRUE(fired.empty());
}

TEST_F(TimerTest, past_deadlines_are_due_at_the_next_tick) {
  Recorder& timer = make();
  wheel.arm(timer, TimePoint{});
  EXPECT_LE(wheel.next(), kStart + milliseconds(1));
  run_to(kStart + milliseconds(1));
  EXPECT_EQ(fired.size(), 1u);
}

TEST_F(TimerTest, may_be_armed_and_disarmed_by_the_function_of_another) {
  struct Actor : Timer {
    Actor(TimerWheel& timers, Timer& a, Timer& b)
        : Timer([](Timer& timer) {
            auto& self = static_cast<Actor&>(timer);
            self.wheel.disarm(self.victim);
            if (self.times == 0) self.wheel.arm(self.later, kStart + milliseconds(20));
            if (++self.times < 3) self.wheel.arm(self, kStart + milliseconds(10 * self.times));
          }),
          wheel(timers),
          victim(a),
          later(b) {}
    TimerWheel& wheel;
    Timer& victim;
    Timer& later;
    int times = 0;
  };
  Recorder& victim = make();
  Recorder& later = make();
  Actor actor(wheel, victim, later);
  wheel.arm(actor, kStart + milliseconds(10));
  wheel.arm(victim, kStart + milliseconds(10));
  run_to(kStart + seconds(1));
  EXPECT_EQ(fired, std::vector{1});
  EXPECT_EQ(actor.times, 3);
}

TEST_F(TimerTest, next_is_never_later_than_a_deadline_is_due) {
  Random random(5);
  for (int i = 0; i < 500; ++i) {
    wheel.arm(make(), kStart + Duration(random.below(std::uint64_t{1} << random.below(52))));
  }
  TimePoint earliest = TimePoint::max();
  for (Recorder& each : timers) earliest = std::min(earliest, each.deadline());
  EXPECT_LE(wheel.next(), earliest + milliseconds(1));
  run_to(kStart + Duration(std::uint64_t{1} << 52));
  EXPECT_EQ(fired.size(), 500u);
}

TEST_F(TimerTest, waits_for_years) {
  Recorder& timer = make();
  TimePoint deadline = kStart + hours(24 * 365 * 20);
  wheel.arm(timer, deadline);
  run_to(deadline - hours(1));
  EXPECT_TRUE(fired.empty());
  run_to(deadline);
  EXPECT_EQ(fired.size(), 1u);
}

TEST_F(TimerTest, is_in_time_on_a_machine_that_has_been_up_for_years) {
  // The wheel turns over every 2^36 ms.
  TimePoint turn{milliseconds(std::int64_t{1} << 36)};
  wheel.advance(turn - milliseconds(10));
  for (int after : {-5, 0, 1, 30, 5'000, 100'000'000}) {
    wheel.arm(make(), turn + milliseconds(after));
  }
  run_to(turn - milliseconds(5));
  EXPECT_EQ(fired.size(), 1u);
  run_to(turn + milliseconds(1));
  EXPECT_EQ(fired.size(), 3u);
  run_to(turn + milliseconds(30));
  EXPECT_EQ(fired.size(), 4u);
  run_to(turn + milliseconds(5'000));
  EXPECT_EQ(fired.size(), 5u);
  run_to(turn + milliseconds(100'000'000));
  EXPECT_EQ(fired.size(), 6u);
}

}  // namespace
}  // namespace weir

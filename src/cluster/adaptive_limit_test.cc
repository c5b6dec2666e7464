#include "cluster/adaptive_limit.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <queue>
#include <vector>

#include "core/random.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// An origin that serves so many at a time, each for `service` and a bit more or less; the rest
/// queues. `clients` ask again as soon as they are answered, and a while after they were refused.
class Origin {
 public:
  std::size_t servers = 20;
  Duration service = 20ms;
  double loss = 0;  // share that gets no answer
  std::size_t clients = 100;
  AdaptiveLimitPolicy policy{.on = true};

  void run(Duration time) {
    TimePoint end = now_ + time;
    while (waking_ + in_flight_ < clients) wake(now_ + Duration(random_.next() % 20'000'000));
    while (!events_.empty() && events_.top().time <= end) {
      Event event = events_.top();
      events_.pop();
      now_ = event.time;
      if (event.asks) {
        ask();
      } else {
        finish(event.begun);
      }
    }
    now_ = end;
  }

  std::uint32_t limit() const { return adaptive_.limit(policy); }
  double best_ms() const { return adaptive_.best_latency() / 1000; }
  /// Of what could have been served since the last call.
  double use() {
    double possible = static_cast<double>(servers) * static_cast<double>((now_ - since_).count()) /
                      static_cast<double>(service.count());
    double share = static_cast<double>(served_) / possible;
    served_ = 0;
    since_ = now_;
    return share;
  }
  /// The mean, since the last call.
  double latency_ms() {
    double mean = latencies_ / static_cast<double>(std::max<std::uint64_t>(answered_, 1));
    latencies_ = 0;
    answered_ = 0;
    return mean;
  }

 private:
  struct Event {
    TimePoint time;
    std::uint64_t order;
    bool asks;
    TimePoint begun;
    bool operator<(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  void wake(TimePoint time) {
    ++waking_;
    events_.push({time, ++order_, true, {}});
  }
  void ask() {
    --waking_;
    if (waking_ + in_flight_ >= clients) return;  // there are fewer now
    if (in_flight_ >= limit()) return wake(now_ + 30ms + Duration(random_.next() % 20'000'000));
    ++in_flight_;
    if (busy_ < servers) {
      serve(now_);
    } else {
      queue_.push(now_);
    }
  }
  void serve(TimePoint begun) {
    ++busy_;
    double factor = 0.8 + 0.4 * random_.unit();
    auto took = Duration(static_cast<std::int64_t>(static_cast<double>(service.count()) * factor));
    events_.push({now_ + took, ++order_, false, begun});
  }
  void finish(TimePoint begun) {
    --busy_;
    bool lost = random_.unit() < loss;
    adaptive_.tell(policy, lost ? AttemptResult::no_answer : AttemptResult::answered, now_ - begun,
                   in_flight_, now_);
    --in_flight_;
    ++served_;
    ++answered_;
    latencies_ += static_cast<double>((now_ - begun).count()) / 1e6;
    while (!queue_.empty() && busy_ < servers) {
      TimePoint next = queue_.front();
      queue_.pop();
      serve(next);
    }
    wake(now_);
  }

  AdaptiveLimit adaptive_;
  Random random_{7};
  TimePoint now_{1h};
  TimePoint since_{1h};
  std::priority_queue<Event> events_;
  std::queue<TimePoint> queue_;
  std::uint64_t order_ = 0;
  std::size_t waking_ = 0;
  std::uint32_t in_flight_ = 0;
  std::size_t busy_ = 0;
  std::uint64_t served_ = 0;
  std::uint64_t answered_ = 0;
  double latencies_ = 0;
};

TEST(AdaptiveLimit, finds_the_knee_of_an_origin_and_stays_there) {
  Origin origin;
  origin.run(20s);
  origin.use();
  origin.latency_ms();
  for (int i = 0; i < 10; ++i) {
    origin.run(5s);
    EXPECT_GE(origin.limit(), 15u);
    EXPECT_LE(origin.limit(), 45u);
  }
  EXPECT_GT(origin.use(), 0.95);
  EXPECT_LT(origin.latency_ms(), 50);  // with all clients in the queue it would be 100 ms
}

TEST(AdaptiveLimit, grows_to_an_origin_that_bears_more_than_the_first_limit) {
  Origin origin;
  origin.servers = 200;
  origin.clients = 400;
  origin.run(30s);
  origin.use();
  origin.run(30s);
  EXPECT_GT(origin.limit(), 150u);
  EXPECT_GT(origin.use(), 0.9);
}

TEST(AdaptiveLimit, shrinks_when_the_origin_loses_servers_and_recovers_with_it) {
  Origin origin;
  origin.servers = 50;
  origin.clients = 200;
  origin.run(40s);
  EXPECT_GT(origin.limit(), 40u);
  origin.servers = 5;
  origin.run(15s);
  EXPECT_LT(origin.limit(), 20u);
  origin.servers = 50;
  origin.run(40s);
  EXPECT_GT(origin.limit(), 40u);
}

TEST(AdaptiveLimit, learns_that_an_origin_has_become_slower_for_good) {
  Origin origin;
  origin.run(30s);
  EXPECT_NEAR(origin.best_ms(), 20, 5);
  origin.service = 80ms;
  origin.run(60s);
  EXPECT_NEAR(origin.best_ms(), 80, 20);
  origin.use();
  origin.run(30s);
  EXPECT_GT(origin.use(), 0.9);
}

// The queue that is there when the best latency is measured would be taken for the origin's own
// latency, and the next limit allow for a longer queue.
TEST(AdaptiveLimit, does_not_climb_with_its_own_queue) {
  Origin origin;
  origin.run(30s);
  std::uint32_t early = origin.limit();
  origin.run(300s);
  EXPECT_LE(origin.limit(), early * 3 / 2);
  EXPECT_NEAR(origin.best_ms(), 20, 5);
}

TEST(AdaptiveLimit, shrinks_when_attempts_get_no_answer) {
  Origin origin;
  origin.run(30s);
  origin.loss = 0.5;
  origin.run(30s);
  EXPECT_LE(origin.limit(), 5u);
  origin.loss = 0;
  origin.run(60s);
  EXPECT_GE(origin.limit(), 15u);
}

TEST(AdaptiveLimit, does_not_grow_while_nobody_needs_it) {
  Origin origin;
  origin.clients = 5;
  origin.run(120s);
  EXPECT_LE(origin.limit(), 25u);
}

TEST(AdaptiveLimit, keeps_its_bounds_whatever_it_is_told) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    AdaptiveLimit limit;
    AdaptiveLimitPolicy policy{.on = true,
                               .initial = 10,
                               .min = 1 + static_cast<std::uint32_t>(random.next() % 10),
                               .max = 10 + static_cast<std::uint32_t>(random.next() % 50),
                               .tolerance = 1.05 + random.unit() * 5,
                               .interval = 10ms};
    TimePoint now{1h};
    for (int i = 0; i < 3000; ++i) {
      auto took = Duration(static_cast<std::int64_t>(random.next()) >> (random.next() % 64));
      now += Duration(random.next() % 3'000'000);
      limit.tell(policy, static_cast<AttemptResult>(random.next() % 6), took,
                 static_cast<std::uint32_t>(random.next() >> (random.next() % 64)), now);
      ASSERT_GE(limit.limit(policy), policy.min);
      ASSERT_LE(limit.limit(policy), policy.max);
    }
  }
}

}  // namespace
}  // namespace weir

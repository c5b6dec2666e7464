#include "cluster/latency.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};

TEST(Latency, is_unknown_before_the_first_answer) { EXPECT_EQ(Latency().value(kStart), 0u); }

TEST(Latency, rises_to_a_peak_at_once_and_falls_slowly) {
  Latency latency;
  latency.answered(10ms, kStart);
  latency.answered(500ms, kStart);
  EXPECT_EQ(latency.value(kStart), 500000u);
  latency.answered(10ms, kStart);
  EXPECT_EQ(latency.value(kStart), 500000u - 490000u / 8);
  for (int i = 0; i < 200; ++i) latency.answered(10ms, kStart);
  EXPECT_EQ(latency.value(kStart), 10000u);
}

TEST(Latency, halves_by_itself_until_it_is_forgotten) {
  Latency latency;
  latency.answered(8ms, kStart);
  EXPECT_EQ(latency.value(kStart + Latency::kHalfLife), 4000u);
  EXPECT_EQ(latency.value(kStart + Latency::kHalfLife * 3), 1000u);
  std::uint32_t before = 8000;
  for (Duration age = 0s; age < 100s; age += 100ms) {
    std::uint32_t now = latency.value(kStart + age);
    EXPECT_LE(now, before);
    before = now;
  }
  EXPECT_EQ(latency.value(kStart + 1h), 0u);
}

TEST(Latency, counts_a_failure_as_slow_however_soon_it_came) {
  Latency latency;
  latency.failed(1ms, kStart);
  EXPECT_EQ(latency.value(kStart), 1000000u);
  latency.failed(3s, kStart);
  EXPECT_EQ(latency.value(kStart), 3000000u);
}

TEST(Latency, learns_from_what_was_given_up_only_how_long_it_took_at_least) {
  Latency latency;
  latency.answered(50ms, kStart);
  latency.abandoned(10ms, kStart);
  EXPECT_EQ(latency.value(kStart), 50000u);
  latency.abandoned(2s, kStart);
  EXPECT_EQ(latency.value(kStart), 2000000u);
}

TEST(Latency, holds_the_shortest_and_the_longest_times) {
  Latency latency;
  latency.answered(0s, kStart);
  EXPECT_EQ(latency.value(kStart), 1u);
  latency.answered(24h, kStart);
  EXPECT_EQ(latency.value(kStart), 0xffffffffu);
}

TEST(Latency, takes_a_time_of_another_worker_that_lies_ahead_for_now) {
  Latency latency;
  latency.answered(10ms, kStart + 5ms);
  EXPECT_EQ(latency.value(kStart), 10000u);
}

}  // namespace
}  // namespace weir

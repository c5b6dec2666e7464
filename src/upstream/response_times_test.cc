#include "upstream/response_times.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(ResponseTimes, says_nothing_of_a_few) {
  ResponseTimes times;
  for (std::uint32_t i = 0; i + 1 < ResponseTimes::kLeast; ++i) times.record(1ms);
  EXPECT_FALSE(times.percentile(50));
  times.record(1ms);
  EXPECT_TRUE(times.percentile(50));
}

TEST(ResponseTimes, knows_within_what_time_most_have_come) {
  ResponseTimes times;
  for (int i = 0; i < 1000; ++i) times.record(i % 100 < 95 ? 10ms : 1s);
  EXPECT_GE(*times.percentile(50), 10ms);
  EXPECT_LE(*times.percentile(50), 13ms);
  EXPECT_LE(*times.percentile(94), 13ms);
  EXPECT_GE(*times.percentile(96), 1s);
  EXPECT_LE(*times.percentile(99), 1250ms);
}

TEST(ResponseTimes, forgets_how_it_was) {
  ResponseTimes times;
  for (int i = 0; i < 10'000; ++i) times.record(1s);
  for (int i = 0; i < 10'000; ++i) times.record(1ms);
  EXPECT_LE(*times.percentile(95), 2ms);
}

}  // namespace
}  // namespace weir

#include "core/gcra.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace weir {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// The same as a bucket of tokens: plain, slow, and in fractions.
struct Bucket {
  double tokens;
  std::int64_t filled = 0;

  bool take(const Gcra& rate, std::int64_t now, std::int64_t units) {
    double more = static_cast<double>(now - filled) / static_cast<double>(rate.interval);
    tokens = std::min(static_cast<double>(rate.burst), tokens + more);
    filled = now;
    if (tokens + 1e-6 < static_cast<double>(units)) return false;
    tokens -= static_cast<double>(units);
    return true;
  }
};

TEST(Gcra, lets_a_burst_pass_and_then_one_each_interval) {
  Gcra rate{kSecond / 10, 3};
  std::int64_t full_at = 0;
  std::int64_t now = 5 * kSecond;
  EXPECT_EQ(rate.left(rate.take(full_at, now)), 2);
  EXPECT_EQ(rate.left(rate.take(full_at, now)), 1);
  EXPECT_EQ(rate.left(rate.take(full_at, now)), 0);
  Gcra::Answer refused = rate.take(full_at, now);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.wait, kSecond / 10);
  EXPECT_EQ(refused.used, 3 * kSecond / 10);
  EXPECT_FALSE(rate.take(full_at, now + refused.wait - 1).allowed);
  EXPECT_TRUE(rate.take(full_at, now + refused.wait).allowed);
  EXPECT_FALSE(rate.take(full_at, now + refused.wait).allowed);
}

TEST(Gcra, takes_nothing_for_what_it_refuses) {
  Gcra rate{kSecond, 5};
  std::int64_t full_at = 0;
  EXPECT_TRUE(rate.take(full_at, 0, 4).allowed);
  std::int64_t before = full_at;
  EXPECT_FALSE(rate.take(full_at, 0, 2).allowed);
  EXPECT_EQ(full_at, before);
  EXPECT_TRUE(rate.take(full_at, 0, 1).allowed);
}

TEST(Gcra, agrees_with_a_bucket_of_tokens) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Gcra rate{static_cast<std::int64_t>(1 + random.below(kSecond)),
              static_cast<std::int64_t>(1 + random.below(20))};
    Bucket bucket{static_cast<double>(rate.burst)};
    std::int64_t full_at = 0;
    std::int64_t now = 0;
    for (int i = 0; i < 500; ++i) {
      // Whole intervals now and then: the edges are where mistakes live.
      now += random.chance(300) ? rate.interval
                                : static_cast<std::int64_t>(random.below(
                                      static_cast<std::uint64_t>(rate.interval) * 3 / 2 + 1));
      auto units = static_cast<std::int64_t>(1 + random.below(rate.burst > 2 ? 3 : 1));
      ASSERT_EQ(rate.take(full_at, now, units).allowed, bucket.take(rate, now, units))
          << "seed " << seed << ", request " << i;
    }
  }
}

TEST(Gcra, holds_a_new_rate_from_its_first_request_on) {
  Gcra slow{3600 * kSecond, 10};
  std::int64_t full_at = 0;
  for (int i = 0; i < 10; ++i) slow.take(full_at, 0);
  Gcra fast{kSecond / 100, 5};
  Gcra::Answer answer = fast.take(full_at, 0);
  EXPECT_FALSE(answer.allowed);
  EXPECT_EQ(answer.wait, kSecond / 100);
  EXPECT_TRUE(fast.take(full_at, kSecond / 100).allowed);
}

}  // namespace
}  // namespace weir

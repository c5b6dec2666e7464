#include "core/random.h"

#include <gtest/gtest.h>

#include <array>

namespace weir {
namespace {

TEST(Random, repeats_for_a_seed_and_differs_between_seeds) {
  Random a(1), b(1), c(2);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    std::uint64_t value = a.next();
    EXPECT_EQ(value, b.next());
    differs |= value != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Random, stays_below_its_bound_and_reaches_every_value) {
  Random random(3);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
  for (int count : seen) EXPECT_GT(count, 800);
  EXPECT_EQ(random.below(0), 0u);
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, meets_its_chances) {
  Random random(4);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) hits += random.chance(250);
  EXPECT_GT(hits, 2300);
  EXPECT_LT(hits, 2700);
  EXPECT_FALSE(random.chance(0));
  EXPECT_TRUE(random.chance(1000));
}

}  // namespace
}  // namespace weir

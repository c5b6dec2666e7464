#include "cluster/health.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr Duration kTook = std::chrono::milliseconds(3);

/// Notes a result for each letter, p or f, one second after the other; gives where the verdict
/// changed: `-` it did not, `O` out, `I` in.
std::string judge(Health& health, std::string_view results, Health::Thresholds thresholds = {},
                  std::int64_t from = 1) {
  std::string changes;
  for (char each : results) {
    CheckResult result;
    if (each == 'f') result = std::unexpected(std::string("status 500"));
    bool changed = health.note(result, kTook, thresholds, from++);
    changes += !changed ? '-' : health.healthy() ? 'I' : 'O';
  }
  return changes;
}

TEST(Health, is_out_after_three_failures_in_a_row_and_back_after_two_passes) {
  Health health;
  EXPECT_EQ(judge(health, "pffpfffffppp"), "------O---I-");
}

TEST(Health, stays_as_it_is_while_an_endpoint_flaps_below_the_thresholds) {
  Health health;
  EXPECT_EQ(judge(health, "pffpffpffpffp"), "-------------");
  EXPECT_EQ(judge(health, "fffpfpfpfpf"), "--O--------");
}

TEST(Health, believes_the_first_check_alone) {
  Health dead;
  EXPECT_TRUE(dead.healthy()) << "nothing is known of it";
  EXPECT_FALSE(dead.checked());
  EXPECT_EQ(judge(dead, "fp"), "O-");
  EXPECT_EQ(judge(dead, "p"), "I");
  Health alive;
  EXPECT_EQ(judge(alive, "pf"), "--");
}

TEST(Health, takes_the_thresholds_that_hold_now) {
  Health health;
  EXPECT_EQ(judge(health, "pff", {.fail = 5, .pass = 1}), "---");
  EXPECT_EQ(judge(health, "f", {.fail = 2, .pass = 1}), "O");
  EXPECT_EQ(judge(health, "p", {.fail = 2, .pass = 1}), "I");
}

TEST(Health, keeps_its_verdict_when_it_starts_again) {
  Health health;
  EXPECT_EQ(judge(health, "pffff"), "---O-");
  health.restart();
  EXPECT_FALSE(health.healthy());
  EXPECT_EQ(judge(health, "pp"), "-I");
  EXPECT_EQ(judge(health, "ff"), "--");
  health.restart();
  EXPECT_EQ(judge(health, "ff"), "--") << "what the old check found does not count";
  EXPECT_EQ(judge(health, "f"), "O");
}

TEST(Health, tells_counts_times_and_the_last_failure) {
  Health health;
  EXPECT_EQ(health.since(), 0);
  judge(health, "ppfff", {}, 100);
  EXPECT_EQ(health.since(), 104);
  EXPECT_EQ(health.failures(), 3u);
  EXPECT_EQ(health.passes(), 0u);
  EXPECT_EQ(health.passed(), 2u);
  EXPECT_EQ(health.failed(), 3u);
  EXPECT_EQ(health.last_at(), 104);
  EXPECT_EQ(health.last_took(), kTook);
  EXPECT_EQ(health.last_failure(), "status 500");
  EXPECT_FALSE(health.last_passed());
  judge(health, "p", {}, 105);
  EXPECT_EQ(health.last_failure(), "status 500");
  EXPECT_EQ(health.passes(), 1u);
  EXPECT_TRUE(health.last_passed());
}

}  // namespace
}  // namespace weir

// Runs a simulated case for many seeds and says how to replay the one that failed.
//
// WEIR_SIM_SEEDS=N runs N seeds of each case instead of its default, WEIR_SIM_SEED=N only seed N,
// and WEIR_SIM_TRACE=1 prints every event of it.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace weir::sim {

inline std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != 0 ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// `run_seed(seed)` checks with gtest's macros; the first seed that fails ends the loop.
template <class RunSeed>
void for_each_seed(std::uint64_t default_count, RunSeed run_seed) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::uint64_t only = number_from("WEIR_SIM_SEED", 0);
  std::uint64_t count = number_from("WEIR_SIM_SEEDS", default_count);
  std::uint64_t first = only != 0 ? only : 1;
  std::uint64_t last = only != 0 ? only : count;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    run_seed(seed);
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << fmt::format(
          "seed {0} failed; to replay it: WEIR_SIM_SEED={0} WEIR_SIM_TRACE=1 build/checked/sim_test "
          "--gtest_filter={1}.{2}",
          seed, test->test_suite_name(), test->name());
      return;
    }
  }
}

}  // namespace weir::sim

// Runs a simulated case for many seeds and says how to replay the one that failed.
//
// WEIR_SIM_SEEDS=N runs N seeds of each case instead of its default, WEIR_SIM_FIRST=N begins with
// seed N, WEIR_SIM_SEED=N runs only that one, and WEIR_SIM_TRACE=1 prints every event of it.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

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
  std::uint64_t first = only != 0 ? only : number_from("WEIR_SIM_FIRST", 1);
  std::uint64_t last = only != 0 ? only : first + count - 1;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    run_seed(seed);
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << fmt::format(
          "seed {0} failed; to replay it: WEIR_SIM_SEED={0} WEIR_SIM_TRACE=1 "
          "build/checked/sim_test "
          "--gtest_filter={1}.{2}",
          seed, test->test_suite_name(), test->name());
      return;
    }
  }
}

/// Compares `digest_of(seed)` of a sample of seeds with what another process finds, whose
/// addresses and hash seeds differ. The other process is this program, with this test only.
template <class DigestOf>
void expect_same_in_another_process(std::uint64_t count, DigestOf digest_of) {
  std::string own;
  for (std::uint64_t seed = 1; seed <= count; ++seed) {
    own += fmt::format("digest of seed {}: {:016x}\n", seed, digest_of(seed));
  }
  if (std::getenv("WEIR_SIM_CHILD") != nullptr) {
    fmt::print("{}", own);
    return;
  }
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string program(4096, '\0');
  ssize_t length = ::readlink("/proc/self/exe", program.data(), program.size());
  ASSERT_GT(length, 0);
  program.resize(static_cast<std::size_t>(length));
  std::string command = fmt::format("WEIR_SIM_CHILD=1 '{}' --gtest_filter={}.{}", program,
                                    test->test_suite_name(), test->name());
  std::FILE* child = ::popen(command.c_str(), "r");
  ASSERT_NE(child, nullptr);
  std::string others;
  char line[256];
  while (std::fgets(line, sizeof line, child) != nullptr) {
    if (std::string_view(line).starts_with("digest of seed")) others += line;
  }
  EXPECT_EQ(::pclose(child), 0);
  EXPECT_EQ(own, others) << "something depends on addresses, hash order or the process";
}

}  // namespace weir::sim

#include "server/sticky_keys.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>

namespace weir {
namespace {

class StickyKeys : public testing::Test {
 protected:
  StickyKeys() : path_(testing::TempDir() + "sticky_keys_test." + std::to_string(getpid())) {}
  ~StickyKeys() override { std::remove(path_.c_str()); }
  std::string problem_of(const std::string& text) {
    std::ofstream(path_) << text;
    auto keys = read_sticky_keys(path_);
    return keys ? "" : keys.error();
  }
  std::string path_;
  std::string one_ = std::string(32, 'a'), two_ = std::string(40, 'b');
};

TEST_F(StickyKeys, are_one_a_line) {
  std::ofstream(path_) << one_ << "\r\n\n" << two_;
  EXPECT_EQ(read_sticky_keys(path_).value(), (std::vector<std::string>{one_, two_}));
}

TEST_F(StickyKeys, are_refused_when_they_are_short_or_missing) {
  EXPECT_EQ(problem_of(std::string(31, 'a')), "a secret is shorter than 32 characters");
  EXPECT_EQ(problem_of("\n"), "it has no secret");
  EXPECT_FALSE(read_sticky_keys("/nonexistent/keys"));
}

TEST_F(StickyKeys, are_eight_at_most) {
  std::string eight;
  for (int i = 0; i < 8; ++i) eight += one_ + "\n";
  EXPECT_EQ(problem_of(eight), "");
  EXPECT_EQ(problem_of(eight + one_), "it has more than 8 secrets");
}

}  // namespace
}  // namespace weir

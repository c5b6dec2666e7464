#include "core/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

TEST(Fits, a_star_stands_for_any_text) {
  EXPECT_TRUE(fits("*.html", "a.html"));
  EXPECT_TRUE(fits("assets/*", "assets/a/b.js"));
  EXPECT_TRUE(fits("a*b*c", "aXbYbZc"));
  EXPECT_TRUE(fits("*", ""));
  EXPECT_TRUE(fits("abc", "abc"));
  EXPECT_FALSE(fits("*.html", "a.htm"));
  EXPECT_FALSE(fits("a*b", "ab "));
  EXPECT_FALSE(fits("", "a"));
  EXPECT_FALSE(fits("a", ""));
  EXPECT_FALSE(fits(std::string(50, '*') + "b", std::string(100, 'a')));
}

}  // namespace
}  // namespace weir

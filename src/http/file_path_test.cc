#include "http/file_path.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(FilePath, is_decoded_once_and_never_leads_up) {
  Arena arena;
  EXPECT_EQ(file_path("/", arena), "");
  EXPECT_EQ(file_path("/a/b", arena), "a/b");
  EXPECT_EQ(file_path("/a/", arena), "a/");
  EXPECT_EQ(file_path("/a%20b%25.txt", arena), "a b%.txt");
  EXPECT_EQ(file_path("/a%5Cb", arena), "a\\b");
  for (std::string_view bad : {"", "a", "/a%2Fb", "/a%00b", "/%2e%2e/a", "/../a", "/a/..", "/./a",
                               "//a", "/a//b", "/a%", "/a%4", "/a%zz"}) {
    EXPECT_FALSE(file_path(bad, arena)) << bad;
  }
}

TEST(StripPrefix, ends_at_the_end_of_a_segment) {
  EXPECT_EQ(strip_prefix("/a/b", ""), "/a/b");
  EXPECT_EQ(strip_prefix("/a/b", "/a"), "/b");
  EXPECT_EQ(strip_prefix("/a", "/a"), "/");
  EXPECT_FALSE(strip_prefix("/ab", "/a"));
  EXPECT_FALSE(strip_prefix("/b", "/a"));
}

}  // namespace
}  // namespace weir

#include "io/files/root.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(IsHidden, is_what_begins_with_a_dot) {
  for (std::string_view hidden :
       {".env", "a/.b", "a/.b/c", ".well-knownx", ".well-known/.a", "a/.well-known/b"}) {
    EXPECT_TRUE(is_hidden(hidden)) << hidden;
  }
  for (std::string_view shown : {"", "a", "a/b.c", ".well-known", ".well-known/a", "a./b"}) {
    EXPECT_FALSE(is_hidden(shown)) << shown;
  }
}

}  // namespace
}  // namespace weir

#include "io/tls/server_names.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

TEST(ServerNames, finds_exact_names_and_every_name_below_a_wildcard) {
  std::vector<std::string> names = {"admin.example", "*.internal.example"};
  ServerNames set(names);
  EXPECT_TRUE(set.contain("admin.example"));
  EXPECT_TRUE(set.contain("a.internal.example"));
  EXPECT_TRUE(set.contain("b.a.internal.example"));
  for (const char* other : {"", "example", "internal.example", "x.admin.example",
                            ".internal.example", "ainternal.example"}) {
    EXPECT_FALSE(set.contain(other)) << other;
  }
}

}  // namespace
}  // namespace weir

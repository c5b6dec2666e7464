#include "http/vary.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string varied(std::initializer_list<const char*> before) {
  Arena arena;
  Headers headers(arena);
  for (const char* each : before) headers.add(HeaderId::vary, each);
  vary_by(headers, "Origin");
  std::string all;
  for (const Header& each : headers) all += "[" + std::string(each.value()) + "]";
  return all;
}

TEST(Vary, gets_a_field_once) {
  EXPECT_EQ(varied({}), "[Origin]");
  EXPECT_EQ(varied({"Accept-Encoding"}), "[Accept-Encoding, Origin]");
  EXPECT_EQ(varied({"accept, origin"}), "[accept, origin]");
  EXPECT_EQ(varied({"*"}), "[*]");
  EXPECT_EQ(varied({"a", "b"}), "[a][b][Origin]");
  EXPECT_EQ(varied({"a", "ORIGIN"}), "[a][ORIGIN]");
  EXPECT_EQ(varied({"Original"}), "[Original, Origin]");
}

}  // namespace
}  // namespace weir

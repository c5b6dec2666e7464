#include "middleware/basic_auth/credentials.h"

#include <gtest/gtest.h>

#include "core/base64.h"

namespace weir {
namespace {

std::string encoded(std::string_view text) { return std::string(base64_encode(text).view()); }

std::string read(std::string_view value) {
  auto found = parse_basic_credentials(value);
  return found ? found->user + "|" + found->password : "none";
}

TEST(BasicCredentials, are_a_user_and_a_password) {
  EXPECT_EQ(read("Basic " + encoded("alice:secret")), "alice|secret");
  EXPECT_EQ(read("bASIC  " + encoded("alice:a:b")), "alice|a:b");
  EXPECT_EQ(read("Basic " + encoded("alice:")), "alice|");
  EXPECT_EQ(read("Basic " + encoded("j\xc3\xb6rg:\xc3\xbc")), "j\xc3\xb6rg|\xc3\xbc");
}

TEST(BasicCredentials, are_exact_or_none) {
  for (std::string bad :
       {std::string("Bearer abc"), std::string("Basic"), std::string("Basic "),
        "Basic " + encoded("alice"), "Basic " + encoded(":secret"),
        "Basic " + encoded("alice:a\nb"), "Basic " + encoded(std::string("a\0:b", 4)),
        "Basic " + encoded("a:b") + "!", "Basic YTpi" + encoded("c") + "YQ==",
        std::string("Basic YTpiYw"), std::string("Basic YTpiYw="), "Basic\t" + encoded("a:b"),
        "Basic " + encoded("a:b") + " "}) {
    EXPECT_EQ(read(bad), "none") << bad;
  }
}

TEST(BasicCredentials, have_512_bytes_at_most) {
  auto of = [](std::size_t bytes) {
    return read("Basic " + encoded("a:" + std::string(bytes - 2, 'p'))) != "none";
  };
  EXPECT_TRUE(of(511));
  EXPECT_TRUE(of(512));
  EXPECT_FALSE(of(513));
  EXPECT_FALSE(of(514));
}

}  // namespace
}  // namespace weir

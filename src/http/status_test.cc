#include "http/status.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

TEST(Status, phrases_and_lines_belong_together) {
  int known = 0;
  for (unsigned code = 0; code <= 0xffff; ++code) {
    auto status = static_cast<std::uint16_t>(code);
    std::string_view reason = reason_phrase(status);
    if (reason.empty()) {
      EXPECT_TRUE(status_line(status).empty());
      continue;
    }
    ++known;
    EXPECT_EQ(status_line(status),
              "HTTP/1.1 " + std::to_string(code) + " " + std::string(reason) + "\r\n");
  }
  EXPECT_EQ(known, 60);
}

TEST(Status, gives_the_registered_phrases) {
  EXPECT_EQ(reason_phrase(100), "Continue");
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(413), "Content Too Large");
  EXPECT_EQ(reason_phrase(511), "Network Authentication Required");
  EXPECT_EQ(reason_phrase(418), "");
  EXPECT_EQ(reason_phrase(99), "");
  EXPECT_EQ(reason_phrase(512), "");
}

TEST(Status, knows_which_have_no_content) {
  EXPECT_TRUE(never_has_content(100) && never_has_content(199) && never_has_content(204) &&
              never_has_content(304));
  EXPECT_FALSE(never_has_content(200) || never_has_content(205) || never_has_content(99));
}

}  // namespace
}  // namespace weir

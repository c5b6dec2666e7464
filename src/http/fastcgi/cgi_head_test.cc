#include "http/fastcgi/cgi_head.h"

#include <gmock/gmock.h>

#include "http/h1/testing.h"

namespace weir::fastcgi {
namespace {

using h1::testing::ExactBytes;

struct Parsed {
  explicit Parsed(std::string_view text, const h1::Limits& limits = {})
      : bytes(text), headers(arena) {
    length = parse_cgi_head(bytes.view(), 0, limits, head, headers);
  }
  ErrorCode error() const { return length ? ErrorCode::none : length.error().code; }
  std::string fields() const {
    std::string text;
    for (const Header& each : headers)
      text.append(each.name()).append("=").append(each.value()) += ';';
    return text;
  }

  ExactBytes bytes;
  Arena arena;
  Headers headers;
  CgiHead head;
  Result<std::size_t> length = std::size_t{0};
};

TEST(CgiHead, is_fields_up_to_an_empty_line) {
  Parsed got("Content-Type: text/html\r\nX-A:  b \r\n\r\nbody");
  ASSERT_TRUE(got.length);
  EXPECT_EQ(*got.length, 37u);
  EXPECT_EQ(got.head.status, 200);
  EXPECT_EQ(got.fields(), "Content-Type=text/html;X-A=b;");
}

TEST(CgiHead, may_have_bare_line_feeds) {
  Parsed got("Status: 404 Not Found\nContent-Type: a/b\n\nbody");
  ASSERT_TRUE(got.length);
  EXPECT_EQ(*got.length, 41u);
  EXPECT_EQ(got.head.status, 404);
  EXPECT_EQ(got.head.reason, "Not Found");
  EXPECT_EQ(got.fields(), "Content-Type=a/b;");
}

TEST(CgiHead, has_its_status_from_a_field_that_does_not_travel) {
  for (std::string_view text : {"Status: 200", "Status: 299 Odd", "status:503", "STATUS: 599 "}) {
    Parsed got(std::string(text) + "\r\n\r\n");
    EXPECT_TRUE(got.length) << text;
    EXPECT_EQ(got.fields(), "");
  }
  for (std::string_view text :
       {"Status: 100 Continue", "Status: 199", "Status: 600", "Status: 20", "Status: 2000",
        "Status: abc", "Status:", "Status: 200OK", "Status: +20", "Status: 200\r\nStatus: 200"}) {
    EXPECT_EQ(Parsed(std::string(text) + "\r\n\r\n").error(), ErrorCode::parse) << text;
  }
}

TEST(CgiHead, with_a_location_alone_is_a_redirect) {
  EXPECT_EQ(Parsed("Location: /a\n\n").head.status, 302);
  EXPECT_EQ(Parsed("Status: 201\nLocation: /a\n\n").head.status, 201);
}

TEST(CgiHead, attack_15_breaks_no_line) {
  using namespace std::string_view_literals;
  for (std::string_view text :
       {"A: b\rC: d\n\n"sv, "A: b\r\r\n\n"sv, std::string_view("A: b\0c\n\n", 8), "A: b\x7f\n\n"sv,
        "A b: c\n\n"sv, "A : c\n\n"sv, ": c\n\n"sv, "A\n\n"sv, " A: b\n\n"sv, "A: b\n c\n\n"sv,
        "A: b\n\tc\n\n"sv, "A(: b\n\n"sv, "\n"sv, "\r\n"sv, "\r\nA: b\n\n"sv}) {
    EXPECT_EQ(Parsed(text).error(), ErrorCode::parse) << ::testing::PrintToString(text);
  }
}

TEST(CgiHead, is_found_however_it_comes) {
  for (std::string_view text : {"A: b\r\nC: d\r\n\r\n", "A: b\nC: d\n\n", "A: b\nC: d\r\n\r\n",
                                "A: b\r\nC: d\n\n", "A: b\nC: d\n\r\n"}) {
    for (std::size_t step = 1; step <= text.size(); ++step) {
      Arena arena;
      Headers headers(arena);
      CgiHead head;
      std::size_t seen = 0;
      std::size_t size = 0;
      Result<std::size_t> length = std::size_t{0};
      while (length && *length == 0 && size < text.size()) {
        size = std::min(size + step, text.size());
        ExactBytes bytes(text.substr(0, size));
        length = parse_cgi_head(bytes.view(), seen, {}, head, headers);
        seen = size;
      }
      ASSERT_TRUE(length) << step;
      EXPECT_EQ(*length, text.size()) << step;
    }
  }
}

TEST(CgiHead, has_limits) {
  h1::Limits limits;
  limits.head_bytes = 20;
  for (std::size_t size : {19u, 20u}) {
    Parsed got("A: " + std::string(size - 5, 'x') + "\n\n", limits);
    EXPECT_TRUE(got.length) << size;
    EXPECT_EQ(*got.length, size);
  }
  EXPECT_EQ(Parsed("A: " + std::string(16, 'x') + "\n\n", limits).error(),
            ErrorCode::head_too_large);
  EXPECT_EQ(*Parsed("A: " + std::string(16, 'x'), limits).length, 0u);
  EXPECT_EQ(Parsed("A: " + std::string(17, 'x'), limits).error(), ErrorCode::head_too_large);
  limits = {};
  limits.header_count = 2;
  EXPECT_EQ(Parsed("A: b\n\n", limits).error(), ErrorCode::none);
  EXPECT_EQ(Parsed("A: b\nA: b\n\n", limits).error(), ErrorCode::none);
  EXPECT_EQ(Parsed("A: b\nA: b\nA: b\n\n", limits).error(), ErrorCode::head_too_large);
}

}  // namespace
}  // namespace weir::fastcgi

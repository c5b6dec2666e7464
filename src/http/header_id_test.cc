#include "http/header_id.h"

#include <gtest/gtest.h>

#include <string>

#include "http/syntax.h"

namespace weir {
namespace {

std::string in_case(std::string_view name, bool upper) {
  std::string text;
  for (char c : name) {
    text += static_cast<char>(upper ? std::toupper(c) : std::tolower(c));
  }
  return text;
}

TEST(HeaderId, every_known_name_is_found_in_any_case) {
  for (unsigned i = 1; i < kHeaderIds; ++i) {
    auto id = static_cast<HeaderId>(i);
    std::string_view name = header_name(id);
    ASSERT_TRUE(is_token(name)) << i;
    EXPECT_EQ(header_id(name), id) << name;
    EXPECT_EQ(header_id(in_case(name, true)), id) << name;
    EXPECT_EQ(header_id(in_case(name, false)), id) << name;
  }
}

TEST(HeaderId, numbers_and_names_stand_in_the_same_order) {
  EXPECT_EQ(header_name(HeaderId::accept), "Accept");
  EXPECT_EQ(header_name(HeaderId::content_length), "Content-Length");
  EXPECT_EQ(header_name(HeaderId::host), "Host");
  EXPECT_EQ(header_name(HeaderId::http2_settings), "HTTP2-Settings");
  EXPECT_EQ(header_name(HeaderId::proxy), "Proxy");
  EXPECT_EQ(header_name(HeaderId::sec_websocket_key), "Sec-WebSocket-Key");
  EXPECT_EQ(header_name(HeaderId::te), "TE");
  EXPECT_EQ(header_name(HeaderId::transfer_encoding), "Transfer-Encoding");
  EXPECT_EQ(header_name(HeaderId::www_authenticate), "WWW-Authenticate");
  EXPECT_EQ(header_name(HeaderId::x_request_id), "X-Request-Id");
  EXPECT_EQ(header_name(HeaderId::unknown), "");
}

TEST(HeaderId, a_name_with_any_byte_changed_is_unknown) {
  for (unsigned i = 1; i < kHeaderIds; ++i) {
    std::string name(header_name(static_cast<HeaderId>(i)));
    for (std::size_t at = 0; at < name.size(); ++at) {
      std::string other = name;
      for (int c = 0; c < 256; ++c) {
        other[at] = static_cast<char>(c);
        if (iequals(other, name)) continue;
        HeaderId found = header_id(other);
        // "If-Match" and the like do not turn into each other by one byte.
        EXPECT_EQ(found, HeaderId::unknown) << other;
      }
    }
    EXPECT_EQ(header_id(name + "x"), HeaderId::unknown);
    EXPECT_EQ(header_id(name.substr(0, name.size() - 1)), HeaderId::unknown) << name;
  }
}

TEST(HeaderId, odd_texts_are_unknown) {
  for (std::string_view text : {"", "a", "-", "x-unknown", "content_length", "Content-Lengths"}) {
    EXPECT_EQ(header_id(text), HeaderId::unknown);
  }
  EXPECT_EQ(header_id(std::string(1000, 'a')), HeaderId::unknown);
}

TEST(HeaderSet, holds_what_was_put_in) {
  HeaderSet set(HeaderId::host, HeaderId::x_request_id);
  EXPECT_TRUE(set.has(HeaderId::host));
  EXPECT_TRUE(set.has(HeaderId::x_request_id));
  EXPECT_FALSE(set.has(HeaderId::unknown));
  set.erase(HeaderId::host);
  set.erase(HeaderId::x_request_id);
  EXPECT_TRUE(set.empty());
}

}  // namespace
}  // namespace weir

#include "http/authority.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

struct Parsed {
  std::string host;
  std::string text;
  int port = -1;
  HostKind kind = HostKind::name;
};

Parsed parse(std::string_view text) {
  Arena arena;
  Result<Authority> authority = parse_authority(text, arena);
  if (!authority) {
    EXPECT_EQ(authority.error().code, ErrorCode::bad_host) << text;
    EXPECT_EQ(authority.error().origin, Origin::client) << text;
    return {.host = "refused"};
  }
  return {std::string(authority->host), std::string(authority->text), authority->port,
          authority->kind};
}

TEST(Authority, takes_a_canonical_host_without_copying) {
  Arena arena;
  std::string text = "shop.example:8443";
  Result<Authority> authority = parse_authority(text, arena);
  ASSERT_TRUE(authority);
  EXPECT_EQ(authority->host.data(), text.data());
  EXPECT_EQ(authority->text.data(), text.data());
  EXPECT_EQ(authority->host, "shop.example");
  EXPECT_EQ(authority->port, 8443);
  EXPECT_EQ(arena.allocated(), 0u);
}

TEST(Authority, lowers_letters_and_strips_one_trailing_dot) {
  Parsed parsed = parse("Shop.EXAMPLE.:80");
  EXPECT_EQ(parsed.host, "shop.example");
  EXPECT_EQ(parsed.text, "shop.example:80");
  EXPECT_EQ(parse("shop.example.").text, "shop.example");
}

TEST(Authority, is_idempotent) {
  for (std::string_view text : {"A.b.:1", "[::FFFF]:7", "10.0.0.1", "x_y", "[0:0::1]"}) {
    Parsed once = parse(text);
    Parsed twice = parse(once.text);
    EXPECT_EQ(once.text, twice.text);
    EXPECT_EQ(once.host, twice.host);
    EXPECT_EQ(once.port, twice.port);
  }
}

TEST(Authority, refuses_an_empty_host) {
  for (std::string_view text : {"", ":80", ".", "..", ".a", "a..b", "a..", ".:80"}) {
    EXPECT_EQ(parse(text).host, "refused") << text;
  }
}

TEST(Authority, refuses_userinfo_and_characters_that_no_host_has) {
  for (std::string_view text :
       {"user@host", "user:secret@host", "a b", "a/b", "a\\b", "a%41", "a,b", "*.example",
        "h\xc3\xa9", "a\tb", "a\r\nb", "a#b", "a?b", "a;b", "a'b"}) {
    EXPECT_EQ(parse(text).host, "refused") << text;
  }
  EXPECT_EQ(parse(std::string_view("a\0b", 3)).host, "refused");
}

TEST(Authority, refuses_ports_that_are_not_one_plain_number) {
  for (std::string_view text :
       {"a:", "a:0", "a:080", "a:65536", "a:99999", "a:123456", "a:-1", "a:+1", "a:8o", "a:80:80",
        "a: 80", "[::1]:", "[::1]:0", "[::1]80"}) {
    EXPECT_EQ(parse(text).host, "refused") << text;
  }
  EXPECT_EQ(parse("a:1").port, 1);
  EXPECT_EQ(parse("a:65535").port, 65535);
  EXPECT_EQ(parse("a").port, 0);
}

TEST(Authority, bounds_names_and_labels) {
  std::string label(63, 'a');
  EXPECT_EQ(parse(label).host, label);
  EXPECT_EQ(parse(label + "a").host, "refused");
  EXPECT_EQ(parse(label + "a.b").host, "refused");
  std::string name = label + "." + label + "." + label + "." + std::string(61, 'b');
  ASSERT_EQ(name.size(), 253u);
  EXPECT_EQ(parse(name).host, name);
  EXPECT_EQ(parse(name + ".").host, name);
  EXPECT_EQ(parse(name + "b").host, "refused");
}

TEST(Authority, knows_ipv4_and_refuses_its_other_spellings) {
  EXPECT_EQ(parse("10.0.0.1").kind, HostKind::ipv4);
  EXPECT_EQ(parse("255.255.255.255:80").kind, HostKind::ipv4);
  EXPECT_EQ(parse("1.2.3.4.").text, "1.2.3.4");
  for (std::string_view text :
       {"127.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "1.2.3.256", "1.2.3.4.5",
        "a.123", "1.2.3.0x4", "01.2.3.4", "1.2.3.04", "0x", "a.0X7F"}) {
    EXPECT_EQ(parse(text).host, "refused") << text;
  }
  EXPECT_EQ(parse("1.2.3.4a").kind, HostKind::name);
  EXPECT_EQ(parse("4you.example").kind, HostKind::name);
}

TEST(Authority, writes_ipv6_in_one_form) {
  Parsed parsed = parse("[0:0:0:0:0:0:0:1]:443");
  EXPECT_EQ(parsed.host, "[::1]");
  EXPECT_EQ(parsed.text, "[::1]:443");
  EXPECT_EQ(parsed.port, 443);
  EXPECT_EQ(parsed.kind, HostKind::ipv6);
  EXPECT_EQ(parse("[2001:DB8::A]").host, "[2001:db8::a]");
  Arena arena;
  EXPECT_EQ(parse_authority("[::1]", arena)->bare_host(), "::1");
  EXPECT_EQ(parse_authority("::1", arena).has_value(), false);
}

TEST(Authority, refuses_what_is_not_an_ipv6_literal) {
  for (std::string_view text :
       {"[", "[]", "[::1", "[::1]x", "[::1%25eth0]", "[v1.a]", "[1.2.3.4]", "[::1]]", "[[::1]]",
        "[1:2:3:4:5:6:7:8:9]", "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]"}) {
    EXPECT_EQ(parse(text).host, "refused") << text;
  }
  EXPECT_EQ(parse(std::string_view("[::1\0]", 6)).host, "refused");
}

}  // namespace
}  // namespace weir

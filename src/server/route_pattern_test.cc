#include "server/route_pattern.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(HostPatterns, are_exact_wildcard_or_any) {
  auto exact = parse_host_pattern("Shop.Example.");
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->kind, HostPattern::Kind::exact);
  EXPECT_EQ(exact->text, "shop.example");
  auto wildcard = parse_host_pattern("*.Example");
  ASSERT_TRUE(wildcard);
  EXPECT_EQ(wildcard->kind, HostPattern::Kind::wildcard);
  EXPECT_EQ(wildcard->text, "example");
  EXPECT_EQ(parse_host_pattern("*")->kind, HostPattern::Kind::any);
  EXPECT_EQ(parse_host_pattern("[0::1]")->text, "[::1]");
  EXPECT_EQ(parse_host_pattern("10.0.0.1")->text, "10.0.0.1");
}

TEST(HostPatterns, match_whole_labels) {
  HostPattern wildcard = *parse_host_pattern("*.example");
  EXPECT_TRUE(wildcard.matches("a.example"));
  EXPECT_TRUE(wildcard.matches("a.b.example"));
  EXPECT_FALSE(wildcard.matches("example"));
  EXPECT_FALSE(wildcard.matches("badexample"));
  EXPECT_FALSE(wildcard.matches("a.example.org"));
}

TEST(HostPatterns, that_cannot_match_are_refused_with_the_place) {
  struct Case {
    std::string_view text;
    std::size_t offset;
  };
  for (Case c : {Case{"", 0},
                 {"shop*.example", 4},
                 {"*example", 0},
                 {"a.*.b", 2},
                 {"*.", 2},
                 {"*.*.b", 2},
                 {"shop.example:80", 12},
                 {"*.example:80", 9},
                 {"*.10.0.0.1", 2},
                 {"a b", 0},
                 {"http://a", 0}}) {
    auto pattern = parse_host_pattern(c.text);
    ASSERT_FALSE(pattern) << c.text;
    EXPECT_EQ(pattern.error().offset, c.offset) << c.text << ": " << pattern.error().message;
    EXPECT_FALSE(pattern.error().message.empty());
  }
}

TEST(PathPatterns, are_exact_prefix_or_any) {
  EXPECT_EQ(parse_path_pattern("/a/b")->kind, PathPattern::Kind::exact);
  EXPECT_EQ(parse_path_pattern("/a/")->text, "/a/");
  EXPECT_EQ(parse_path_pattern("/a/*")->kind, PathPattern::Kind::prefix);
  EXPECT_EQ(parse_path_pattern("/a/*")->text, "/a");
  EXPECT_EQ(parse_path_pattern("/*")->kind, PathPattern::Kind::any);
  EXPECT_EQ(parse_path_pattern("*")->kind, PathPattern::Kind::any);
  EXPECT_EQ(parse_path_pattern("/")->kind, PathPattern::Kind::exact);
}

TEST(PathPatterns, take_a_prefix_on_segment_boundaries) {
  PathPattern prefix = *parse_path_pattern("/api/*");
  EXPECT_TRUE(prefix.matches("/api"));
  EXPECT_TRUE(prefix.matches("/api/"));
  EXPECT_TRUE(prefix.matches("/api/v1/x"));
  EXPECT_FALSE(prefix.matches("/apix"));
  EXPECT_FALSE(prefix.matches("/API"));
  EXPECT_FALSE(prefix.matches("/a"));
}

TEST(PathPatterns, say_how_a_request_carries_what_is_not_normal) {
  for (auto [text, normal] : {std::pair{"/caf\xc3\xa9", "/caf%C3%A9"},
                              {"/a b", "/a%20b"},
                              {"/%41", "/A"},
                              {"/a/../b", "/b"},
                              {"/a//b", "/a/b"},
                              {"/%c3%a9/*", "/%C3%A9"}}) {
    auto pattern = parse_path_pattern(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_NE(pattern.error().message.find(std::string("\"") + normal + "\""), std::string::npos)
        << pattern.error().message;
  }
}

TEST(PathPatterns, that_no_request_can_have_are_refused) {
  for (std::string_view text : {"", "a", "/a#b", "/a%2fb", "/a\\b", "/../a", "/a%", "/a?b"}) {
    EXPECT_FALSE(parse_path_pattern(text)) << text;
  }
  EXPECT_EQ(parse_path_pattern("/img*").error().offset, 4u);
  EXPECT_EQ(parse_path_pattern("/a/*/b").error().offset, 3u);
  EXPECT_EQ(parse_path_pattern("/a/**").error().offset, 3u);
  EXPECT_EQ(parse_path_pattern("/a?b").error().offset, 2u);
}

TEST(PathPatterns, match_the_whole_path_with_a_regex) {
  PathPattern regex = *parse_path_regex("/v[0-9]+/.*");
  EXPECT_TRUE(regex.matches("/v12/x"));
  EXPECT_FALSE(regex.matches("/a/v12/x"));
  EXPECT_FALSE(regex.matches("/v/x"));
}

TEST(PathPatterns, show_where_a_regex_is_wrong) {
  auto bad = parse_path_regex("/a/[z-a]");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().offset, 4u) << bad.error().message;
  EXPECT_FALSE(parse_path_regex("/a(b"));
  EXPECT_FALSE(parse_path_regex("(((((a{1,500}){1,500}){1,500})))"));
}

TEST(RoutePatterns, have_a_documented_order) {
  auto route = [](std::string_view host, std::string_view path, std::uint32_t conditions) {
    bool regex = path.starts_with('~');
    return RoutePattern{*parse_host_pattern(host),
                        regex ? *parse_path_regex(path.substr(1)) : *parse_path_pattern(path),
                        conditions};
  };
  const RoutePattern order[] = {
      route("a.b.c", "/x", 1),   route("a.b.c", "/x", 0),   route("a.b.c", "/x/y/*", 0),
      route("a.b.c", "/x/*", 2), route("a.b.c", "/x/*", 0), route("a.b.c", "~/x", 0),
      route("a.b.c", "/*", 1),   route("a.b.c", "*", 0),    route("*.b.c", "/x", 0),
      route("*.c", "/x", 9),     route("*", "/x", 9),       route("*", "*", 0)};
  for (std::size_t i = 0; i < std::size(order); ++i) {
    for (std::size_t j = 0; j < std::size(order); ++j) {
      EXPECT_EQ(tried_before(order[i], order[j]), i < j) << i << " " << j;
    }
  }
  EXPECT_FALSE(tried_before(route("*", "~/a", 3), route("*", "~/b", 0)));
  EXPECT_FALSE(tried_before(route("*", "~/b", 0), route("*", "~/a", 3)));
}

}  // namespace
}  // namespace weir

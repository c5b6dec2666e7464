#include "http/target.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace weir {
namespace {

constexpr std::string_view kRefused = "refused";

std::string path_of(std::string_view text, TargetOptions options = {}) {
  Arena arena;
  Result<Target> target = parse_target(text, TargetRule::ordinary, arena, options);
  if (!target) {
    EXPECT_EQ(target.error().code, ErrorCode::bad_target) << text;
    EXPECT_EQ(target.error().origin, Origin::client) << text;
    EXPECT_FALSE(target.error().detail.empty()) << text;
    return std::string(kRefused);
  }
  return std::string(target->path);
}

void refuses(std::initializer_list<std::string_view> targets, TargetOptions options = {}) {
  for (std::string_view text : targets) EXPECT_EQ(path_of(text, options), kRefused) << text;
}

TEST(Target, takes_a_normal_path_without_copying) {
  Arena arena;
  for (std::string text : {"/", "/a/b.html?x=1&y=%zz", "/a/", "/.well-known/x", "/...", "/a/..b",
                           "/a/.b/c.", "/a:b@c!$&'()*+,=~_-", "/x?"}) {
    Result<Target> target = parse_target(text, TargetRule::ordinary, arena);
    ASSERT_TRUE(target) << text;
    EXPECT_EQ(target->path.data(), text.data());
    EXPECT_EQ(target->path_query.data(), text.data());
    EXPECT_EQ(target->path_query, text);
    EXPECT_EQ(target->raw_path, target->path);
    EXPECT_EQ(target->form, TargetForm::origin);
  }
  EXPECT_EQ(arena.allocated(), 0u);
}

TEST(Target, splits_path_and_query) {
  Arena arena;
  Target target = *parse_target("/a?b=/../%41?c", TargetRule::ordinary, arena);
  EXPECT_EQ(target.path, "/a");
  EXPECT_EQ(target.query, "b=/../%41?c");
  EXPECT_TRUE(target.has_query());
  EXPECT_FALSE(parse_target("/a", TargetRule::ordinary, arena)->has_query());
  EXPECT_TRUE(parse_target("/a?", TargetRule::ordinary, arena)->has_query());
}

TEST(Target, forwards_path_and_query_in_one_piece) {
  Arena arena;
  Target target = *parse_target("/a/./%7Eb?q=%7E", TargetRule::ordinary, arena);
  EXPECT_EQ(target.path, "/a/~b");
  EXPECT_EQ(target.path_query, "/a/~b?q=%7E");
  EXPECT_EQ(target.raw_path, "/a/./%7Eb");
  EXPECT_EQ(target.raw, "/a/./%7Eb?q=%7E");
  EXPECT_EQ(target.query, "q=%7E");
}

TEST(Target, decodes_unreserved_characters_and_writes_the_rest_in_upper_case) {
  EXPECT_EQ(path_of("/%61%5A%30%2d%2E%5f%7e"), "/aZ0-._~");
  EXPECT_EQ(path_of("/caf%c3%a9"), "/caf%C3%A9");
  EXPECT_EQ(path_of("/%3f%23%20%3D"), "/%3F%23%20%3D");
}

TEST(Target, leaves_double_encoding_as_it_is) {
  EXPECT_EQ(path_of("/a%252fb"), "/a%252fb");
  EXPECT_EQ(path_of("/a%252e%252e/b"), "/a%252e%252e/b");
  EXPECT_EQ(path_of("/%2541"), "/%2541");
}

TEST(Target, resolves_dot_segments_plain_and_encoded) {
  EXPECT_EQ(path_of("/a/./b"), "/a/b");
  EXPECT_EQ(path_of("/a/../b"), "/b");
  EXPECT_EQ(path_of("/a/%2e%2E/b"), "/b");
  EXPECT_EQ(path_of("/a/.%2e/b"), "/b");
  EXPECT_EQ(path_of("/a/b/.."), "/a/");
  EXPECT_EQ(path_of("/a/b/."), "/a/b/");
  EXPECT_EQ(path_of("/a/b/../"), "/a/");
  EXPECT_EQ(path_of("/."), "/");
  EXPECT_EQ(path_of("/a/.."), "/");
  EXPECT_EQ(path_of("/a/b/../../c"), "/c");
}

TEST(Target, refuses_to_climb_above_the_root) {
  refuses({"/..", "/../", "/../a", "/a/../..", "/a/../../b", "/%2e%2e/etc/passwd", "/./..", "//..",
           "/a//../../.."});
}

TEST(Target, refuses_encoded_slashes_backslashes_and_nul) {
  refuses({"/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/..%2f", "/a%00", "/%00/b", "/a\\b", "/..\\"});
  TargetOptions keep{.encoded_slash = EncodedSlash::keep};
  EXPECT_EQ(path_of("/@scope%2fname", keep), "/@scope%2Fname");
  EXPECT_EQ(path_of("/a%5cb", keep), "/a%5Cb");
  refuses({"/a%00", "/a\\b"}, keep);
}

TEST(Target, refuses_dots_beside_a_semicolon) {
  refuses({"/..;/admin", "/a/..;x=1/b", "/a/.;/b", "/a/..;", "/..%3b/admin", "/a/..%3B/",
           "/a/;../b", "/a/x;..", "/%2e%2e;/admin", "/a/%2e;/b", "/a/.%2e%3bx/b"});
  EXPECT_EQ(path_of("/a;v=1/b"), "/a;v=1/b");
  EXPECT_EQ(path_of("/a;v=1.2/b;..c"), "/a;v=1.2/b;..c");
  EXPECT_EQ(path_of("/.a;b/..c;d"), "/.a;b/..c;d");
}

TEST(Target, treats_double_slashes_as_told) {
  EXPECT_EQ(path_of("//"), "/");
  EXPECT_EQ(path_of("//admin"), "/admin");
  EXPECT_EQ(path_of("/a///b//"), "/a/b/");
  EXPECT_EQ(path_of("/a/.//b"), "/a/b");
  TargetOptions keep{.double_slash = DoubleSlash::keep};
  EXPECT_EQ(path_of("//", keep), "//");
  EXPECT_EQ(path_of("/a///b//", keep), "/a///b//");
  EXPECT_EQ(path_of("/a//../b", keep), "/a/b");
  TargetOptions refuse{.double_slash = DoubleSlash::refuse};
  refuses({"//", "/a//b", "/a//", "/a/.//b"}, refuse);
  EXPECT_EQ(path_of("/a/b/", refuse), "/a/b/");
}

TEST(Target, refuses_broken_percent_encoding) {
  refuses({"/%", "/%4", "/%4g", "/%g4", "/a%", "/%%41", "/%2%35", "/a%2", "/% 1"});
}

TEST(Target, refuses_fragments) {
  refuses({"/#", "/a#b", "/a?b#c", "/a%41#b", "http://h/#a", "http://h#a", "http://h?a#b"});
}

TEST(Target, refuses_spaces_controls_and_bytes_above_ascii) {
  for (int c = 0; c < 256; ++c) {
    if (c > 0x20 && c < 0x7f) continue;
    std::string in_path = std::string("/a") + static_cast<char>(c) + "b";
    std::string in_query = std::string("/a?") + static_cast<char>(c) + "b";
    EXPECT_EQ(path_of(in_path), kRefused) << c;
    EXPECT_EQ(path_of(in_query), kRefused) << c;
    EXPECT_EQ(path_of("/%41" + in_path), kRefused) << c;
  }
  refuses({"/\"", "/<", "/>", "/`", "/{", "/}"});
}

TEST(Target, accepts_visible_characters_in_the_query_but_the_hash) {
  for (int c = 0x21; c < 0x7f; ++c) {
    std::string text = std::string("/?") + static_cast<char>(c);
    EXPECT_EQ(path_of(text), c == '#' ? kRefused : "/") << text;
  }
}

TEST(Target, refuses_rootless_and_strange_targets) {
  refuses({"", "a", "a/b", "?a", "*", "**", "http:http://a/", "http:/a", "http:", "ftp://a/",
           "javascript:alert", "host:80", "httpx://a/", " /a", "\t/"});
}

TEST(Target, allows_the_asterisk_for_options_alone) {
  Arena arena;
  Result<Target> target = parse_target("*", TargetRule::options, arena);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, TargetForm::asterisk);
  EXPECT_EQ(target->path, "*");
  EXPECT_EQ(target->path_query, "*");
  EXPECT_FALSE(parse_target("*", TargetRule::connect, arena));
  EXPECT_FALSE(parse_target("*a", TargetRule::options, arena));
  EXPECT_EQ(parse_target("/a", TargetRule::options, arena)->path, "/a");
}

TEST(Target, takes_only_host_and_port_for_connect) {
  Arena arena;
  Result<Target> target = parse_target("Example.org:443", TargetRule::connect, arena);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->form, TargetForm::authority);
  EXPECT_EQ(target->authority.host, "example.org");
  EXPECT_EQ(target->authority.port, 443);
  EXPECT_EQ(target->path, "");
  for (std::string_view text : {"example.org", "/", "/a", "http://example.org:443/", "a@b:443",
                                "example.org:443/", "example.org:443?x", ":443"}) {
    EXPECT_FALSE(parse_target(text, TargetRule::connect, arena)) << text;
  }
}

TEST(Target, takes_absolute_form_apart) {
  Arena arena;
  Target target = *parse_target("HTTP://Shop.Example:8080/a/../b?c", TargetRule::ordinary, arena);
  EXPECT_EQ(target.form, TargetForm::absolute);
  EXPECT_EQ(target.scheme, "http");
  EXPECT_EQ(target.authority.host, "shop.example");
  EXPECT_EQ(target.authority.port, 8080);
  EXPECT_EQ(target.path, "/b");
  EXPECT_EQ(target.path_query, "/b?c");
  EXPECT_EQ(target.raw_path, "/a/../b");

  target = *parse_target("https://h", TargetRule::ordinary, arena);
  EXPECT_EQ(target.scheme, "https");
  EXPECT_EQ(target.path, "/");
  EXPECT_EQ(target.raw_path, "");
  EXPECT_EQ(target.path_query, "/");

  target = *parse_target("http://h?q", TargetRule::ordinary, arena);
  EXPECT_EQ(target.path_query, "/?q");
  EXPECT_EQ(target.query, "q");
}

TEST(Target, refuses_absolute_form_with_a_bad_authority) {
  Arena arena;
  for (std::string_view text : {"http:///a", "http://", "http://u@h/", "http://h:/", "http://h:0/",
                                "http://a b/", "http://[::1/", "http://@/", "http://h\\@x/"}) {
    Result<Target> target = parse_target(text, TargetRule::ordinary, arena);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().code, ErrorCode::bad_host) << text;
  }
}

TEST(Target, knows_which_forms_a_method_allows) {
  EXPECT_EQ(target_rule("CONNECT"), TargetRule::connect);
  EXPECT_EQ(target_rule("OPTIONS"), TargetRule::options);
  EXPECT_EQ(target_rule("GET"), TargetRule::ordinary);
  EXPECT_EQ(target_rule("connect"), TargetRule::ordinary);
}

/// Words that hit every rule, put together at random.
std::string random_path(std::mt19937& random) {
  static const std::vector<std::string> kWords = {
      "/",   "/", "/",   ".",  "..", "a", "Bc", "%2e", "%2E",  "%41", "%7e", "%25", "%252e",
      "%c3", ";", "%3b", "=1", "-",  "~", "@:", "/./", "/../", "//",  "%20", "2f",  "5c"};
  std::string path = "/";
  std::size_t count = random() % 12;
  for (std::size_t i = 0; i < count; ++i) path += kWords[random() % kWords.size()];
  return path;
}

TEST(Target, normalising_twice_changes_nothing) {
  std::mt19937 random(20240229);
  int normal = 0;
  for (int round = 0; round < 20000; ++round) {
    TargetOptions options{.double_slash = static_cast<DoubleSlash>(random() % 2),
                          .encoded_slash = static_cast<EncodedSlash>(random() % 2)};
    std::string text = random_path(random);
    Arena arena;
    Result<std::string_view> once = normalise_path(text, arena, options);
    if (!once) continue;
    ++normal;
    Result<std::string_view> twice = normalise_path(*once, arena, options);
    ASSERT_TRUE(twice) << text << " -> " << *once;
    ASSERT_EQ(*once, *twice) << text;
    ASSERT_LE(once->size(), text.size());
    std::string bounded = std::string(*once) + "/";
    ASSERT_EQ(bounded.find("/../"), std::string::npos) << text;
    ASSERT_EQ(bounded.find("/./"), std::string::npos) << text;
    if (options.double_slash == DoubleSlash::merge) {
      ASSERT_EQ(once->find("//"), std::string::npos) << text;
    }
  }
  EXPECT_GT(normal, 5000);
}

TEST(NormalisePath, wants_a_path_alone) {
  Arena arena;
  EXPECT_EQ(*normalise_path("/a/../b", arena), "/b");
  EXPECT_FALSE(normalise_path("", arena));
  EXPECT_FALSE(normalise_path("a", arena));
  EXPECT_FALSE(normalise_path("/a?b", arena));
  EXPECT_FALSE(normalise_path("/a#b", arena));
}

}  // namespace
}  // namespace weir

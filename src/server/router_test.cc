#include "server/router.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace weir {
namespace {

RoutePattern route(std::string_view host, std::string_view path, std::uint32_t conditions = 0) {
  RoutePattern pattern;
  pattern.host = *parse_host_pattern(host);
  bool regex = path.starts_with('~');
  pattern.path = regex ? *parse_path_regex(path.substr(1)) : *parse_path_pattern(path);
  pattern.conditions = conditions;
  return pattern;
}

Router table(std::initializer_list<RoutePattern> routes) {
  RouterBuilder builder;
  for (const RoutePattern& pattern : routes) builder.add(pattern);
  return std::move(builder).build();
}

int find(const Router& router, std::string_view host, std::string_view path) {
  auto found = router.find(host, path, [](RouteId) { return true; });
  return found ? static_cast<int>(*found) : -1;
}

TEST(Router, finds_nothing_in_an_empty_table) {
  Router router = table({});
  EXPECT_EQ(find(router, "a", "/"), -1);
  EXPECT_TRUE(router.unreachable().empty());
}

TEST(Router, prefers_the_exact_host_then_the_longest_wildcard_then_any) {
  Router router = table({route("*", "*"), route("*.example", "*"), route("*.shop.example", "*"),
                         route("a.shop.example", "*")});
  EXPECT_EQ(find(router, "a.shop.example", "/"), 3);
  EXPECT_EQ(find(router, "b.shop.example", "/"), 2);
  EXPECT_EQ(find(router, "c.b.shop.example", "/"), 2);
  EXPECT_EQ(find(router, "shop.example", "/"), 1);
  EXPECT_EQ(find(router, "example", "/"), 0);
  EXPECT_EQ(find(router, "xexample", "/"), 0);
  EXPECT_EQ(find(router, "", "/"), 0);
}

TEST(Router, prefers_the_exact_path_then_the_longest_prefix_then_regexes_then_every_path) {
  Router router = table({route("*", "*"), route("*", "~/api/v.*"), route("*", "/api/*"),
                         route("*", "/api/v1/*"), route("*", "/api/v1/x"), route("*", "~/z.*"),
                         route("*", "~/zz.*")});
  EXPECT_EQ(find(router, "h", "/api/v1/x"), 4);
  EXPECT_EQ(find(router, "h", "/api/v1/x/"), 3);
  EXPECT_EQ(find(router, "h", "/api/v1"), 3);
  EXPECT_EQ(find(router, "h", "/api/v2"), 2);
  EXPECT_EQ(find(router, "h", "/api"), 2);
  EXPECT_EQ(find(router, "h", "/apix"), 0);
  EXPECT_EQ(find(router, "h", "/zz"), 5);
  EXPECT_EQ(find(router, "h", "/"), 0);
}

TEST(Router, falls_through_to_less_specific_hosts_and_paths) {
  Router router = table({route("shop.example", "/a/*"), route("*.example", "/b"),
                         route("*", "/a/x"), route("*", "/c/*")});
  EXPECT_EQ(find(router, "shop.example", "/a/x"), 0);
  EXPECT_EQ(find(router, "shop.example", "/b"), 1);
  EXPECT_EQ(find(router, "shop.example", "/c/d"), 3);
  EXPECT_EQ(find(router, "other", "/a/x"), 2);
  EXPECT_EQ(find(router, "other", "/b"), -1);
}

TEST(Router, tells_a_trailing_slash_in_exact_paths) {
  Router router = table({route("*", "/a"), route("*", "/a/"), route("*", "/")});
  EXPECT_EQ(find(router, "h", "/a"), 0);
  EXPECT_EQ(find(router, "h", "/a/"), 1);
  EXPECT_EQ(find(router, "h", "/"), 2);
  EXPECT_EQ(find(router, "h", "/a/b"), -1);
  EXPECT_EQ(find(router, "h", "/A"), -1);
}

TEST(Router, gives_the_asterisk_of_options_to_routes_of_every_path) {
  Router router = table({route("*", "/a/*"), route("*", "*")});
  EXPECT_EQ(find(router, "h", "*"), 1);
}

TEST(Router, asks_for_conditions_in_order_and_takes_the_first_that_says_yes) {
  Router router = table({route("h", "/a"), route("h", "/a", 1), route("h", "/a", 2),
                         route("h", "/a", 2), route("h", "/a/*", 1), route("*", "*")});
  std::vector<RouteId> asked;
  auto none = router.find("h", "/a", [&](RouteId id) {
    asked.push_back(id);
    return false;
  });
  EXPECT_EQ(none, RouteId{0});
  EXPECT_EQ(asked, (std::vector<RouteId>{2, 3, 1}));
  auto third = router.find("h", "/a", [](RouteId id) { return id == 3; });
  EXPECT_EQ(third, RouteId{3});
  auto below = router.find("h", "/a/b", [](RouteId) { return false; });
  EXPECT_EQ(below, RouteId{5});
}

TEST(Router, tries_many_regexes_of_a_host_in_the_order_of_the_configuration) {
  RouterBuilder builder;
  for (int i = 0; i < 50; ++i) builder.add(route("*", "~/r" + std::to_string(i) + "(/.*)?", 1));
  builder.add(route("*", "~/r.*"));
  Router router = std::move(builder).build();
  EXPECT_EQ(find(router, "h", "/r7/x"), 7);
  EXPECT_EQ(find(router, "h", "/r49"), 49);
  EXPECT_EQ(find(router, "h", "/r99"), 50);
  EXPECT_EQ(find(router, "h", "/x"), -1);
  auto refused = router.find("h", "/r7", [](RouteId) { return false; });
  EXPECT_EQ(refused, RouteId{50});
}

TEST(Router, explains_why_each_route_does_or_does_not_answer) {
  Router router = table({route("*", "*"), route("h", "/a", 1), route("h", "/b"), route("i", "/a"),
                         route("h", "/a/*"), route("h", "~/a")});
  auto verdicts = router.explain("h", "/a", [](RouteId) { return false; });
  std::vector<std::pair<RouteId, RouteVerdict>> got;
  for (auto [id, verdict] : verdicts) got.emplace_back(id, verdict);
  using enum RouteVerdict;
  EXPECT_EQ(got, (std::vector<std::pair<RouteId, RouteVerdict>>{{1, conditions},
                                                                {2, path},
                                                                {3, RouteVerdict::host},
                                                                {4, chosen},
                                                                {5, outranked},
                                                                {0, outranked}}));
}

TEST(Router, names_routes_that_can_never_be_chosen) {
  Router router = table({route("h", "/a"), route("h", "/a", 1), route("h", "/a"), route("*", "/*"),
                         route("*", "*", 1), route("*", "*"), route("h", "/a/*")});
  auto unreachable = router.unreachable();
  ASSERT_EQ(unreachable.size(), 2u);
  EXPECT_EQ(unreachable[0].id, 2u);
  EXPECT_EQ(unreachable[0].behind, 0u);
  EXPECT_EQ(unreachable[1].id, 5u);
  EXPECT_EQ(unreachable[1].behind, 3u);
}

TEST(Router, holds_many_hosts_and_many_paths) {
  RouterBuilder builder;
  for (int i = 0; i < 5000; ++i) builder.add(route("host" + std::to_string(i) + ".example", "*"));
  for (int i = 0; i < 5000; ++i) builder.add(route("*", "/p/" + std::to_string(i) + "/*"));
  Router router = std::move(builder).build();
  for (int i = 0; i < 5000; ++i) {
    ASSERT_EQ(find(router, "host" + std::to_string(i) + ".example", "/p/1"), i);
    ASSERT_EQ(find(router, "h", "/p/" + std::to_string(i) + "/x"), 5000 + i);
  }
}

// The reference: every route, one after another, by the words of the documentation alone.
class LinearRouter {
 public:
  explicit LinearRouter(std::vector<RoutePattern> routes) : routes_(std::move(routes)) {}

  template <class Satisfied>
  int find(const std::string& host, const std::string& path, Satisfied satisfied) const {
    int best = -1;
    for (int i = 0; i < static_cast<int>(routes_.size()); ++i) {
      const RoutePattern& r = routes_[static_cast<std::size_t>(i)];
      if (!host_fits(r.host, host) || !path_fits(r.path, path)) continue;
      if (r.conditions > 0 && !satisfied(static_cast<RouteId>(i))) continue;
      if (best < 0 || better(r, routes_[static_cast<std::size_t>(best)])) best = i;
    }
    return best;
  }

 private:
  static bool host_fits(const HostPattern& pattern, const std::string& host) {
    if (pattern.kind == HostPattern::Kind::any) return true;
    if (pattern.kind == HostPattern::Kind::exact) return pattern.text == host;
    return ("." + host).ends_with("." + pattern.text) && host != pattern.text;
  }
  static bool path_fits(const PathPattern& pattern, const std::string& path) {
    if (pattern.kind == PathPattern::Kind::any) return true;
    if (pattern.kind == PathPattern::Kind::exact) return pattern.text == path;
    if (pattern.kind == PathPattern::Kind::regex) return pattern.matches(path);
    return (path + "/").starts_with(pattern.text + "/");
  }
  static bool better(const RoutePattern& a, const RoutePattern& b) {
    if (a.host.kind != b.host.kind) return a.host.kind < b.host.kind;
    if (a.host.text.size() != b.host.text.size()) return a.host.text.size() > b.host.text.size();
    if (a.path.kind != b.path.kind) return a.path.kind < b.path.kind;
    if (a.path.kind == PathPattern::Kind::regex) return false;
    if (a.path.text.size() != b.path.text.size()) return a.path.text.size() > b.path.text.size();
    return a.conditions > b.conditions;
  }

  std::vector<RoutePattern> routes_;
};

/// Tables over few words, so that patterns meet one another and requests meet patterns.
class RandomTable {
 public:
  explicit RandomTable(std::uint32_t seed) : random_(seed) {}

  std::uint32_t below(std::uint32_t bound) { return random_() % bound; }

  std::string host() {
    std::string text = label();
    for (std::uint32_t i = below(3); i > 0; --i) text += "." + label();
    return text;
  }

  std::string path() {
    std::string text;
    for (std::uint32_t i = below(4); i > 0; --i) text += "/" + label();
    if (text.empty() || below(4) == 0) text += "/";
    return text;
  }

  RoutePattern route() {
    RoutePattern pattern;
    std::uint32_t kind = below(4);
    if (kind < 2) pattern.host = *parse_host_pattern(host());
    if (kind == 2) pattern.host = *parse_host_pattern("*." + host());
    pattern.path = path_pattern();
    pattern.conditions = below(2) * below(3);
    return pattern;
  }

 private:
  PathPattern path_pattern() {
    std::string text = path();
    bool slash = text.ends_with('/');
    switch (below(6)) {
      case 0:
      case 1: return *parse_path_pattern(text);
      case 2:
      case 3: return *parse_path_pattern(text + (slash ? "*" : "/*"));
      case 4: return *parse_path_regex(text + (below(2) ? ".*" : "[ab/]?"));
      default: return PathPattern{};
    }
  }

  std::string label() {
    static const char* const kLabels[] = {"a", "b", "ab", "aa"};
    return kLabels[below(4)];
  }

  std::mt19937 random_;
};

TEST(Router, agrees_with_a_linear_search_over_random_tables) {
  int matched = 0;
  for (std::uint32_t seed = 1; seed <= 120; ++seed) {
    RandomTable random(seed);
    std::vector<RoutePattern> routes(random.below(60));
    for (RoutePattern& pattern : routes) pattern = random.route();
    RouterBuilder builder;
    for (const RoutePattern& pattern : routes) builder.add(pattern);
    Router router = std::move(builder).build();
    LinearRouter linear(routes);
    for (int request = 0; request < 60; ++request) {
      std::string host = random.host();
      std::string path = random.path();
      std::uint32_t salt = random.below(1000);
      auto satisfied = [salt](RouteId id) { return (id * 31 + salt) % 3 != 0; };
      auto found = router.find(host, path, satisfied);
      int expected = linear.find(host, path, satisfied);
      ASSERT_EQ(found ? static_cast<int>(*found) : -1, expected)
          << "seed " << seed << " " << host << path;
      matched += expected >= 0;
      int explained = -1;
      for (auto [id, verdict] : router.explain(host, path, satisfied)) {
        if (verdict == RouteVerdict::chosen) explained = static_cast<int>(id);
      }
      ASSERT_EQ(explained, expected) << "seed " << seed << " " << host << path;
    }
  }
  EXPECT_GT(matched, 3000);
}

}  // namespace
}  // namespace weir

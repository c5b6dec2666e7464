#include "expression/path_template.h"

#include <gtest/gtest.h>

#include "expression/fake_facts.h"

namespace weir::expression {
namespace {

using namespace std::string_view_literals;

const FakeFacts kFacts = FakeFacts::sample();

std::string made(std::string_view regex, std::string_view to, std::string_view path,
                 const FakeFacts& facts = kFacts) {
  auto pattern = CapturingRegex::compile(regex);
  if (!pattern) return "bad regex: " + pattern.error();
  auto compiled = PathTemplate::compile(to, Stage::route, pattern->groups());
  if (!compiled) return "bad template: " + compiled.error().message;
  Captures captures;
  if (!pattern->match(path, captures)) return "no match";
  std::string out;
  compiled->append_to(out, facts, captures);
  return out;
}

TEST(PathTemplate, fills_in_what_was_captured) {
  EXPECT_EQ(made("/user/(\\d+)/(.*)", "/u?id=$1&rest=$2", "/user/42/a/b"), "/u?id=42&rest=a/b");
  EXPECT_EQ(made("/(a)(b)?", "/$1-$2-$0", "/a"), "/a--/a");
  EXPECT_EQ(made("/(1)(2)(3)(4)(5)(6)(7)(8)(9)", "/$9$8$7", "/123456789"), "/987");
}

TEST(PathTemplate, matches_the_whole_path) {
  EXPECT_EQ(made("/a", "/b", "/a/c"), "no match");
  EXPECT_EQ(made("/a", "/b", "/x/a"), "no match");
  EXPECT_EQ(made("/a.*", "/b", "/a/c"), "/b");
}

TEST(PathTemplate, fills_in_facts) {
  EXPECT_EQ(made(".*", "/v2${path}?${query}", "/x"), "/v2/api/v1/items?page=2&q=a%20b");
  EXPECT_EQ(made(".*", "https://${host}/${method}", "/x"), "https://shop.example/GET");
}

TEST(PathTemplate, takes_two_dollars_for_one_where_one_would_mean_something) {
  EXPECT_EQ(made("/(.*)", "/$$1/$${path}/$x/$", "/a"), "/$1/${path}/$x/$");
}

TEST(PathTemplate, lets_no_value_leave_its_place) {
  FakeFacts facts = kFacts;
  facts.add(Source::query, "file", "../../admin?x=1&y#z %2e");
  EXPECT_EQ(made(".*", "/files/${query.file}", "/x", facts),
            "/files/..%2F..%2Fadmin%3Fx%3D1%26y%23z%20%252e");
  EXPECT_EQ(made("/(.*)", "/find?q=$1&all=0", "/a&all=1;b=2+3"),
            "/find?q=a%26all%3D1%3Bb%3D2%2B3&all=0");
  facts.set(Fact::path, Value::of("/a&b=c"sv));
  EXPECT_EQ(made(".*", "/x?from=${path}", "/x", facts), "/x?from=/a%26b%3Dc");
  EXPECT_EQ(made(".*", "/x/${query}", "/x", facts), "/x/page%3D2%26q%3Da%2520b");
}

TEST(PathTemplate, refuses_groups_that_do_not_exist) {
  EXPECT_EQ(made("/(a)", "/$2", "/a"), "bad template: $2 is no group of the regex");
  auto without = PathTemplate::compile("/a$1", Stage::route, -1);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().offset, 2u);
  EXPECT_EQ(made("(", "/", "/"), "bad regex: missing ): (");
  EXPECT_EQ(made("(1)(2)(3)(4)(5)(6)(7)(8)(9)(0)", "/", "/"),
            "bad regex: it has more than nine groups");
  EXPECT_EQ(made("(1)(2)(3)(4)(5)(6)(7)(8)(9)", "/", "123456789"), "/");
}

TEST(PathTemplate, refuses_what_no_template_takes) {
  EXPECT_TRUE(made(".*", "/${hots}", "/").starts_with("bad template"));
  EXPECT_TRUE(made(".*", "/${status}", "/").starts_with("bad template"));
  EXPECT_TRUE(made(".*", "/a\r\n", "/").starts_with("bad template"));
}

}  // namespace
}  // namespace weir::expression

#include "config/yaml.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace weir::config {
namespace {

struct Reading {
  Diagnostics diagnostics;
  Tree tree;
};

Reading read(std::string text, const YamlLimits& limits = {}) {
  Reading reading;
  const std::uint32_t file = reading.diagnostics.add_source("weir.yaml", std::move(text));
  reading.tree =
      Tree::read(reading.diagnostics.source(file)->text, file, reading.diagnostics, limits);
  return reading;
}

// `W1108 2:1` for each problem, one after the other.
std::string problems(const Reading& reading) {
  std::string result;
  for (const Diagnostic& entry : reading.diagnostics.sorted()) {
    result += fmt::format("{}{} {}:{}", result.empty() ? "" : ", ", to_string(entry.code),
                          entry.position.line, entry.position.column);
  }
  return result;
}

std::string problems(std::string text, const YamlLimits& limits = {}) {
  return problems(read(std::move(text), limits));
}

std::string help(std::string text) {
  const auto entries = read(std::move(text)).diagnostics.sorted();
  return entries.empty() ? "" : entries[0].help;
}

TEST(Yaml, keeps_the_position_of_every_node) {
  const Reading reading = read("listeners:\n  - address: \":80\"\n");
  ASSERT_TRUE(reading.diagnostics.empty());
  const Node key = reading.tree.root().first_child();
  EXPECT_EQ(key.text(), "listeners");
  EXPECT_EQ(key.position(), (Position{0, 1, 1, 9}));
  const Node list = key.next();
  ASSERT_TRUE(list.is_list());
  EXPECT_EQ(list.size(), 1u);
  const Node value = list.first_child().first_child().next();
  EXPECT_EQ(value.text(), ":80");
  EXPECT_FALSE(value.plain());
  EXPECT_EQ(value.position(), (Position{0, 2, 14, 5}));
}

TEST(Yaml, tells_an_empty_value_from_an_empty_text) {
  const Reading reading = read("[~, null, '', \"null\"]");
  const Node first = reading.tree.root().first_child();
  EXPECT_TRUE(first.null());
  EXPECT_TRUE(first.next().null());
  EXPECT_FALSE(first.next().next().null());
  EXPECT_FALSE(first.next().next().next().null());
}

TEST(Yaml, refuses_duplicate_keys_at_any_depth) {
  EXPECT_EQ(problems("a: 1\nb: {c: 1, c: 2}\na: 2\na: 3\n"), "W1108 2:11, W1108 3:1, W1108 4:1");
  EXPECT_EQ(problems("a: {b: 1}\nc: {b: 1}\n"), "");
}

TEST(Yaml, names_the_line_of_the_first_of_two_equal_keys) {
  const auto entries = read("a: 1\nb: 1\na: 2\na: 3\n").diagnostics.sorted();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].message, "the key \"a\" already stands on line 1");
  EXPECT_EQ(entries[1].message, "the key \"a\" already stands on line 1");
}

TEST(Yaml, explains_an_unquoted_star_and_goes_on) {
  const Reading reading = read("host: *.example\na: 1\na: 2\npath: *\n");
  EXPECT_EQ(problems(reading), "W1103 1:7, W1108 3:1, W1103 4:7");
  EXPECT_EQ(reading.diagnostics.sorted()[0].help, "put quotes around the text: \"*.example\"");
  EXPECT_TRUE(reading.tree.complete());
  EXPECT_EQ(reading.tree.root().first_child().next().kind(), Node::Kind::broken);
}

TEST(Yaml, explains_other_characters_that_cannot_begin_a_text) {
  EXPECT_EQ(problems("a: @x\nb: `y`\nc: %z\n"), "W1103 1:4, W1103 2:4, W1103 3:4");
}

TEST(Yaml, gives_up_after_many_unquoted_characters) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += fmt::format("k{}: *.x\n", i);
  const Reading reading = read(text);
  EXPECT_EQ(reading.diagnostics.error_count(), 21u);
  EXPECT_FALSE(reading.tree.complete());
}

TEST(Yaml, explains_tabs) {
  EXPECT_EQ(problems("a:\n\tb: 1\n"), "W1102 2:1");
  EXPECT_EQ(problems("a:\n  b: 1\n\tc: 2\n"), "W1102 3:1");
}

TEST(Yaml, follows_aliases) {
  const Reading reading = read("a: &x [1, 2]\nb: *x\n");
  ASSERT_TRUE(reading.diagnostics.empty());
  const Node alias = reading.tree.root().first_child().next().next().next();
  EXPECT_TRUE(alias.is_list());
  EXPECT_EQ(alias.size(), 2u);
  EXPECT_EQ(alias.position().line, 1u);
  EXPECT_FALSE(alias.has_next());
}

TEST(Yaml, refuses_aliases_without_an_anchor_and_within_themselves) {
  EXPECT_EQ(problems("a: *nothing\n"), "W1104 1:4");
  EXPECT_EQ(help("a: *nothing\n"), "if no alias is meant, put the text in quotes: \"*nothing\"");
  EXPECT_EQ(problems("a: &x [1, *x]\n"), "W1105 1:11");
}

TEST(Yaml, refuses_a_bomb_of_aliases) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    text += fmt::format("a{0}: &a{0} [", i);
    for (int j = 0; j < 10; ++j) text += fmt::format("{}*a{}", j == 0 ? "" : ", ", i - 1);
    text += "]\n";
  }
  const Reading reading = read(text);
  EXPECT_EQ(reading.diagnostics.error_count(), 1u);
  EXPECT_EQ(reading.diagnostics.sorted()[0].code, Code::alias_budget);
}

TEST(Yaml, counts_what_aliases_stand_for_up_to_the_budget) {
  YamlLimits limits;
  limits.alias_nodes = 6;  // each alias is a list of two entries: three nodes
  EXPECT_EQ(problems("a: &x [1, 2]\nb: [*x, *x]\n", limits), "");
  limits.alias_nodes = 5;
  EXPECT_EQ(problems("a: &x [1, 2]\nb: [*x, *x]\n", limits), "W1105 2:9");
  limits = {};
  limits.alias_bytes = 8;
  EXPECT_EQ(problems("a: &x abcd\nb: [*x, *x]\n", limits), "");
  limits.alias_bytes = 7;
  EXPECT_EQ(problems("a: &x abcd\nb: [*x, *x]\n", limits), "W1105 2:9");
}

TEST(Yaml, limits_the_depth) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(problems(nested(63)), "");
  EXPECT_EQ(problems(nested(64)), "");
  EXPECT_EQ(problems(nested(65)), "W1106 1:65");
  EXPECT_EQ(problems(std::string(100000, '[')), "W1106 1:65");
}

TEST(Yaml, counts_the_depth_of_what_aliases_stand_for) {
  YamlLimits limits;
  limits.depth = 4;
  EXPECT_EQ(problems("a: &x [[1]]\nb: [*x]\n", limits), "");
  limits.depth = 3;
  EXPECT_EQ(problems("a: &x [[1]]\nb: [*x]\n", limits), "W1106 2:5");
}

TEST(Yaml, limits_the_number_of_nodes) {
  YamlLimits limits;
  limits.nodes = 4;
  EXPECT_EQ(problems("[1, 2, 3]", limits), "");
  EXPECT_EQ(problems("[1, 2, 3, 4]", limits), "W1107 1:11");
}

TEST(Yaml, limits_the_size_of_the_document) {
  YamlLimits limits;
  limits.bytes = 4;
  EXPECT_EQ(problems("a: 1", limits), "");
  EXPECT_EQ(problems("a: 12", limits), "W1002 0:0");
}

TEST(Yaml, refuses_what_surprises_people) {
  EXPECT_EQ(problems("a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n"), "W1109 3:3");
  EXPECT_EQ(problems("a: !!str 5\n"), "W1110 1:4");
  EXPECT_EQ(problems("a: 1\n---\nb: 2\n"), "W1111 2:1");
  EXPECT_EQ(problems("? [a, b]\n: 1\n"), "W1112 1:3");
  EXPECT_EQ(problems("'': 1\n"), "W1112 1:1");
  EXPECT_EQ(problems("a: &x b\n*x : 1\n"), "W1112 2:1");
  EXPECT_EQ(problems("a: \"\\0\"\n"), "W1113 1:4");
}

TEST(Yaml, limits_the_length_of_keys) {
  EXPECT_EQ(problems(std::string(150, 'k') + ": 1\n"), "");
  EXPECT_EQ(problems(std::string(151, 'k') + ": 1\n"), "W1112 1:1");
}

TEST(Yaml, takes_one_document_with_its_marks_and_a_byte_order_mark) {
  EXPECT_EQ(problems("---\na: 1\n...\n"), "");
  const Reading reading = read(
      "\xef\xbb\xbf"
      "a: 1\n");
  EXPECT_EQ(problems(reading), "");
  EXPECT_EQ(reading.tree.root().first_child().text(), "a");
}

TEST(Yaml, refuses_what_is_not_utf8) {
  EXPECT_EQ(problems("a: 1\nb: x\xff\n"), "W1003 2:5");
  EXPECT_EQ(problems("a: \x01\n"), "W1003 1:4");
}

TEST(Yaml, translates_the_common_syntax_errors) {
  const auto message = [](std::string text) {
    return read(std::move(text)).diagnostics.sorted().at(0).message;
  };
  EXPECT_EQ(message("a: b: c\n"), "a \": \" is not allowed here");
  EXPECT_EQ(message("a: [1, 2\nb: 3\n"), "the list in [ ] is not closed, or lacks a comma");
  EXPECT_EQ(message("a: \"x\n"), "the file ends inside a text in quotes");
  EXPECT_EQ(message("a: \"\\q\"\n"), "an unknown escape in double quotes");
  EXPECT_EQ(message("a:\n  - 1\n  b: 2\n"), "this line does not fit the list above it");
}

TEST(Yaml, keeps_what_stands_before_a_syntax_error) {
  const Reading reading = read("a: 1\na: 2\nb:\n  c: [1\nd: }\n");
  EXPECT_FALSE(reading.tree.complete());
  EXPECT_EQ(reading.diagnostics.sorted()[0].code, Code::duplicate_key);
  EXPECT_EQ(reading.diagnostics.sorted()[1].code, Code::syntax);
  ASSERT_TRUE(reading.tree.root().is_map());
  EXPECT_TRUE(reading.tree.root().truncated());
}

TEST(Yaml, reads_an_empty_document_as_nothing) {
  EXPECT_TRUE(read("").tree.empty());
  EXPECT_TRUE(read("# only a comment\n").tree.empty());
  EXPECT_TRUE(read("---\n").tree.root().null());
}

TEST(Yaml, finds_the_same_key_again_and_again_without_getting_slow) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "k: 1\n";
  const Reading reading = read(text);
  EXPECT_EQ(reading.diagnostics.error_count(), 99999u);
  EXPECT_EQ(reading.diagnostics.sorted()[999].message, "the key \"k\" already stands on line 1");
}

TEST(Yaml, reads_a_large_map_quickly_enough_to_sort_it) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += fmt::format("k{}: 1\n", i);
  text += "k7: 2\n";
  EXPECT_EQ(problems(text), "W1108 100001:1");
}

}  // namespace
}  // namespace weir::config

#include "expression/parser.h"

#include <gtest/gtest.h>

namespace weir::expression {
namespace {

Tree tree_of(std::string_view source, Stage stage = Stage::response) {
  auto tree = parse(source, stage);
  if (tree) return std::move(*tree);
  ADD_FAILURE() << source << ": " << tree.error().message;
  return {};
}

/// Names of the nodes as they are nested: `all(0 not(any(1 2)))`.
std::string shape(const Node& node) {
  switch (node.kind) {
    case Node::Kind::constant: return node.value ? "true" : "false";
    case Node::Kind::comparison: return std::to_string(node.comparison);
    default: break;
  }
  std::string text = node.kind == Node::Kind::negation ? "not("
                     : node.kind == Node::Kind::all    ? "all("
                                                       : "any(";
  for (const Node& child : node.children) {
    if (!text.ends_with('(')) text += ' ';
    text += shape(child);
  }
  return text + ")";
}

std::string shape_of(std::string_view source) { return shape(tree_of(source).root); }

TEST(Parser, nests_by_precedence) {
  EXPECT_EQ(shape_of("status == 1 or status == 2 and status == 3"), "any(0 all(1 2))");
  EXPECT_EQ(shape_of("not status == 1 and status == 2"), "all(not(0) 1)");
  EXPECT_EQ(shape_of("(status == 1 or status == 2) and true"), "all(any(0 1) true)");
  EXPECT_EQ(shape_of("not not false"), "not(not(false))");
}

TEST(Parser, flattens_chains_of_the_same_kind) {
  EXPECT_EQ(shape_of("true and (true and (true and false))"), "all(true true true false)");
  EXPECT_EQ(shape_of("(true or false) or true"), "any(true false true)");
  EXPECT_EQ(shape_of("((true))"), "true");
}

TEST(Parser, keeps_what_is_compared) {
  Tree tree = tree_of("lower(header.X-Name) in [\"a\", \"b\"] and duration >= 5ms");
  ASSERT_EQ(tree.comparisons.size(), 2u);
  const Comparison& in = tree.comparisons[0];
  EXPECT_EQ(in.op, Operator::in);
  ASSERT_EQ(in.left.atoms.size(), 1u);
  EXPECT_EQ(in.left.atoms[0].kind, Atom::Kind::field);
  EXPECT_EQ(in.left.atoms[0].source, Source::header);
  EXPECT_EQ(in.left.atoms[0].text, "x-name");
  EXPECT_TRUE(in.left.atoms[0].lower);
  EXPECT_EQ(in.texts, (std::vector<std::string>{"a", "b"}));
  const Comparison& order = tree.comparisons[1];
  EXPECT_EQ(order.op, Operator::greater_or_equal);
  EXPECT_EQ(order.left.type, Type::duration);
  EXPECT_EQ(order.right.atoms[0].number, 5'000'000);
}

TEST(Parser, reads_lists_of_each_type) {
  EXPECT_EQ(tree_of("status in [200, 204]").comparisons[0].numbers,
            (std::vector<std::int64_t>{200, 204}));
  const Tree networks = tree_of("client_ip in [10.0.0.0/8, ::1]");
  ASSERT_EQ(networks.comparisons[0].networks.size(), 2u);
  EXPECT_TRUE(networks.comparisons[0].networks[0].contains(*IpAddress::parse("10.1.2.3")));
  EXPECT_FALSE(networks.comparisons[0].networks[1].contains(*IpAddress::parse("10.1.2.3")));
  EXPECT_EQ(tree_of("client_ip != 10.0.0.1").comparisons[0].networks.size(), 1u);
}

TEST(Parser, collects_what_a_default_falls_back_to) {
  Tree tree = tree_of("default(header.a, default(host, \"X\")) == \"x\"");
  const Operand& left = tree.comparisons[0].left;
  ASSERT_EQ(left.atoms.size(), 3u);
  EXPECT_EQ(left.atoms[0].kind, Atom::Kind::field);
  EXPECT_EQ(left.atoms[1].kind, Atom::Kind::fact);
  EXPECT_EQ(left.atoms[2].text, "X");
}

TEST(Parser, knows_where_an_operand_stands) {
  std::string_view source = "  lower( method )  == \"get\"";
  Tree tree = tree_of(source);
  const Operand& left = tree.comparisons[0].left;
  EXPECT_EQ(source.substr(left.offset, left.length), "lower( method )");
  const Operand& right = tree.comparisons[0].right;
  EXPECT_EQ(source.substr(right.offset, right.length), "\"get\"");
}

TEST(Parser, reports_the_first_error_only_and_where) {
  auto wrong = parse("methd == 1 and stats == 2", Stage::response);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().offset, 0u);
  EXPECT_EQ(wrong.error().length, 5u);
  wrong = parse("true and", Stage::response);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().offset, 8u);
  EXPECT_EQ(wrong.error().length, 0u);
}

TEST(Parser, bounds_the_depth_of_everything_that_nests) {
  auto nested = [](std::string_view open, std::string_view inner, std::string_view close,
                   int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += open;
    text += inner;
    for (int i = 0; i < depth; ++i) text += close;
    return text;
  };
  for (auto [depth, fits] :
       {std::pair{kMaxDepth - 1, true}, {kMaxDepth, true}, {kMaxDepth + 1, false}, {4000, false}}) {
    EXPECT_EQ(parse(nested("(", "true", ")", depth), Stage::response).has_value(), fits);
    EXPECT_EQ(parse(nested("not ", "true", "", depth), Stage::response).has_value(), fits);
    std::string lowered = nested("lower(", "host", ")", depth) + " == \"a\"";
    EXPECT_EQ(parse(lowered, Stage::response).has_value(), fits) << depth;
  }
  EXPECT_TRUE(parse("(((true))) and (((true)))", Stage::response)) << "depth, not number";
}

TEST(Parser, ends_a_hole_at_its_brace) {
  std::string_view text = "a ${default(host, \"}\")} b";
  auto hole = parse_hole(text, 4, Stage::response);
  ASSERT_TRUE(hole);
  EXPECT_EQ(text.substr(hole->end), " b");
  EXPECT_EQ(hole->operand.atoms.size(), 2u);
  for (std::string_view wrong : {"${host", "${}", "${host host}", "${host == 1}"}) {
    EXPECT_FALSE(parse_hole(wrong, 2, Stage::response)) << wrong;
  }
}

TEST(Parser, prints_a_tree_that_is_read_as_the_same_tree) {
  for (std::string_view source :
       {"not (true or false) and status in [1, 2]", "client_ip in [10.0.0.0/8, ::1]",
        "header.\"odd name\" contains \"\\\\d\\\"\"", "present(cookie.a) or duration < 90s"}) {
    std::string printed = print(tree_of(source));
    EXPECT_EQ(print(tree_of(printed)), printed) << source;
    EXPECT_EQ(shape_of(printed), shape_of(source)) << source;
  }
}

}  // namespace
}  // namespace weir::expression

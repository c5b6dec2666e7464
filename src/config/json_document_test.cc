#include "config/json_document.h"

#include <gtest/gtest.h>

#include "config/places.h"

namespace weir::config {
namespace {

TEST(ReadJson, gives_what_stands_there_in_its_order) {
  EXPECT_EQ(read_json(R"({"b": [1, "x", true], "a": {}})")->dump(), R"({"b":[1,"x",true],"a":{}})");
  EXPECT_EQ(read_json("7")->dump(), "7");
}

TEST(ReadJson, refuses_a_key_that_stands_twice) {
  EXPECT_EQ(read_json(R"({"a": {"b": 1, "b": 2}})").error(),
            "the key \"b\" stands twice in one object");
  EXPECT_TRUE(read_json(R"({"a": {"b": 1}, "c": {"b": 2}, "b": [{"b": 1}, {"b": 1}]})"));
}

TEST(ReadJson, refuses_what_is_no_json) {
  for (std::string text : {"", "{", "{\"a\": 1,}", "a: 1", "{} {}", "nul", "\"\xff\"", "[1 2]"}) {
    EXPECT_FALSE(read_json(text)) << text;
  }
}

TEST(ReadJson, refuses_deep_nesting_without_recursion) {
  EXPECT_TRUE(read_json(std::string(60, '[') + std::string(60, ']')));
  EXPECT_EQ(read_json(std::string(66, '[') + std::string(66, ']')).error(),
            "it is nested too deeply");
  EXPECT_FALSE(read_json(std::string(1'000'000, '[')));
}

TEST(DocumentOf, keeps_texts_numbers_and_shapes) {
  Diagnostics diagnostics;
  auto value = read_json(R"({"t": "off", "n": 5, "s": "5", "odd": "a: [b] #c\u2028\n\"\\", "l": [],
                             "m": {"k e y": [{"x": null}]}, "e": "", "w": "\ud83d\ude00"})");
  Document document = document_of(*value, "change", diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.render();
  std::vector<std::pair<std::string, bool>> scalars;  // text, plain
  Node at = document.tree.root().first_child();
  for (;; at = at.next()) {
    if (at.is_scalar()) scalars.emplace_back(at.text(), at.plain());
    if (!at.has_next()) break;
  }
  EXPECT_EQ(scalars[1], std::pair(std::string("off"), false));
  EXPECT_EQ(scalars[3], std::pair(std::string("5"), true));
  EXPECT_EQ(scalars[5], std::pair(std::string("5"), false));
  EXPECT_EQ(scalars[7].first, "a: [b] #c\xe2\x80\xa8\n\"\\");
  EXPECT_EQ(scalars.back().first, "\xf0\x9f\x98\x80");
}

TEST(Places, name_the_path_of_a_position) {
  Diagnostics diagnostics;
  auto value = read_json(R"({"a/b": {"c~": [1, {"d": 2}]}, "e": {"f": 3}})");
  Document document = document_of(*value, "change", diagnostics);
  Places places(document.tree);
  Node root = document.tree.root();
  EXPECT_EQ(places.path(root.position()), "");
  Node inner = root.first_child().next();
  EXPECT_EQ(places.path(root.first_child().position()), "/a~1b");
  EXPECT_EQ(places.path(inner.position()), "/a~1b");
  Node list = inner.first_child().next();
  EXPECT_EQ(places.path(list.position()), "/a~1b/c~0");
  Node second = list.first_child().next();
  EXPECT_EQ(places.path(second.position()), "/a~1b/c~0/1");
  EXPECT_EQ(places.path(second.first_child().next().position()), "/a~1b/c~0/1/d");
  EXPECT_EQ(places.path({}), "") << "nowhere in particular";
}

}  // namespace
}  // namespace weir::config

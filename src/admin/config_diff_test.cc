#include "admin/config_diff.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string diff(std::string_view before, std::string_view after) {
  return config_diff(*config::read_json(before), *config::read_json(after)).dump();
}

TEST(ConfigDiff, says_nothing_of_what_is_the_same) {
  EXPECT_EQ(diff(R"({"a": [1, {"b": 2}]})", R"({"a": [1, {"b": 2}]})"), "[]");
}

TEST(ConfigDiff, names_what_came_what_went_and_what_changed) {
  EXPECT_EQ(diff(R"({"a": 1, "b": {"c": 2}})", R"({"b": {"c": 3}, "d/e": []})"),
            R"([{"path":"/a","old":1},{"path":"/b/c","old":2,"new":3},)"
            R"({"path":"/d~1e","new":[]}])");
}

TEST(ConfigDiff, takes_an_entry_that_was_put_in_or_taken_out_for_that) {
  EXPECT_EQ(diff("[1, 2, 3]", "[0, 1, 2, 3]"), R"([{"path":"/0","new":0}])");
  EXPECT_EQ(diff("[1, 2, 3]", "[1, 3]"), R"([{"path":"/1","old":2}])");
  EXPECT_EQ(diff("[1, 1]", "[1, 1, 1]"), R"([{"path":"/2","new":1}])");
  EXPECT_EQ(diff("[]", "[1]"), R"([{"path":"/0","new":1}])");
}

TEST(ConfigDiff, shows_both_where_the_kind_of_value_changed) {
  EXPECT_EQ(diff(R"({"a": "off"})", R"({"a": {"b": 1}})"),
            R"([{"path":"/a","old":"off","new":{"b":1}}])");
}

}  // namespace
}  // namespace weir

#include "config/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/sample_config.h"

namespace weir::config {
namespace {

using Json = nlohmann::ordered_json;

Json schema() { return Json::parse(json_schema<sample::Sample>()); }

Json property(std::string_view object, std::string_view key) {
  return schema()["$defs"][std::string(object)]["properties"][std::string(key)];
}

TEST(JsonSchema, describes_the_whole_by_reference) {
  EXPECT_EQ(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema()["$ref"], "#/$defs/sample");
  EXPECT_EQ(schema()["$defs"]["sample"]["additionalProperties"], false);
}

TEST(JsonSchema, gives_bounds_words_defaults_and_descriptions) {
  EXPECT_EQ(property("sample", "flag"),
            Json::parse(R"({"type": "boolean", "description": "A flag.", "default": false})"));
  EXPECT_EQ(property("sample", "number"),
            Json::parse(R"({"enum": [3, 5, 7], "description": "A number.", "default": 5})"));
  EXPECT_EQ(property("sample", "ratio")["maximum"], 1.0);
  EXPECT_EQ(property("sample", "workers")["anyOf"], Json::parse(R"([{"const": "auto"},
                            {"type": "integer", "minimum": 1, "maximum": 4294967295}])"));
  EXPECT_EQ(property("sample", "window")["anyOf"],
            Json::parse(R"([{"const": "off"}, {"const": false}, {"$ref": "#/$defs/span"}])"));
}

TEST(JsonSchema, allows_one_or_many) {
  const Json tags = property("sample", "tags");
  EXPECT_EQ(tags["anyOf"][0]["type"], Json::parse(R"(["string", "number", "boolean"])"));
  EXPECT_EQ(tags["anyOf"][1]["type"], "array");
  EXPECT_EQ(property("group", "steps")["minItems"], 1);
}

TEST(JsonSchema, makes_a_choice_exactly_one_key) {
  const Json step = schema()["$defs"]["step"];
  EXPECT_EQ(step["oneOf"], Json::parse(R"([{"required": ["paint"]}, {"required": ["print"]},
                                           {"required": ["group"]}])"));
  EXPECT_TRUE(step["properties"].contains("group"));
  EXPECT_FALSE(step["properties"].contains("action"));
}

TEST(JsonSchema, lets_a_value_stand_for_an_object) {
  const Json paint = schema()["$defs"]["paint"]["anyOf"];
  ASSERT_EQ(paint.size(), 3u);
  EXPECT_EQ(paint[0]["type"], "integer");
  EXPECT_EQ(paint[1]["enum"], Json::parse(R"(["red", "green"])"));
  EXPECT_EQ(paint[2]["type"], "object");
}

TEST(JsonSchema, describes_types_that_contain_themselves) {
  const Json entry = schema()["$defs"]["group"]["properties"]["steps"]["items"];
  EXPECT_EQ(entry["anyOf"][0]["enum"], Json::parse(R"(["paint", "print", "group"])"));
  EXPECT_EQ(entry["anyOf"][1]["properties"]["group"]["anyOf"][0]["$ref"], "#/$defs/group");
}

}  // namespace
}  // namespace weir::config

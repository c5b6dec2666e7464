#include "config/reference.h"

#include <gtest/gtest.h>

#include "config/sample_config.h"

namespace weir::config {
namespace {

TEST(Reference, has_a_table_of_keys_for_each_object) {
  const std::string text = reference_markdown<sample::Sample>();
  EXPECT_TRUE(text.starts_with("## sample\n\nEverything.\n\n| key | type | default | meaning |\n"))
      << text;
  for (std::string_view row : {
           "| `number` | whole number: 3, 5, 7 | `5` | A number. |\n",
           "| `wait` | duration, 1ms to 1h | `30s` | A duration. |\n",
           "| `workers` | whole number, at least 1, or `auto` | `auto` | How many. |\n",
           "| `window` | [span](#span), or `off` | `off` | A window. |\n",
           "| `label` | text |  | A label. |\n",
           "| `tags` | text, or a list of these | `[]` | Tags. |\n",
           "| `spans` | map of names to: [span](#span) | `{}` | Spans by name. |\n",
           "| `range` | [span](#span) |  | A range. |\n",
           "| `text` | text | `hello` | A text. Example: `good morning`. |\n",
           "| `password` | text | `\"\"` | A secret. Secret: never shown. |\n",
           "| `(action)` | [paint](#paint), [print](#print), [group](#group) | required | What is "
           "done. |\n",
           "| `colour` | `red`, `green` | `red` | Which colour. The value alone may stand for the "
           "whole object. |\n",
           "* `colour: red`: Like a rose.\n",
       }) {
    EXPECT_NE(text.find(row), std::string::npos) << row;
  }
}

TEST(Reference, describes_each_object_once) {
  const std::string text = reference_markdown<sample::Sample>();
  for (std::string_view heading : {"## span\n", "## paint\n", "## group\n"}) {
    const std::size_t first = text.find(heading);
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(text.find(heading, first + 1), std::string::npos);
  }
}

TEST(Reference, explains_every_code) {
  const std::string text = codes_markdown();
  EXPECT_NE(text.find("## W1203\n\nAn unknown key. The object has no such key"), std::string::npos);
  EXPECT_TRUE(text.starts_with("## W1001\n"));
}

}  // namespace
}  // namespace weir::config

#include "config/diagnostics.h"

#include <gtest/gtest.h>

#include <set>

namespace weir::config {
namespace {

Diagnostics with_source(std::string text) {
  Diagnostics diagnostics;
  diagnostics.add_source("weir.yaml", std::move(text));
  return diagnostics;
}

TEST(Diagnostics, shows_the_line_with_the_place_underlined) {
  Diagnostics diagnostics = with_source("listeners:\n  - lisen: 8080\n");
  diagnostics.error({0, 2, 5, 5}, Code::unknown_key, "unknown key \"lisen\"",
                    "did you mean \"listen\"?");
  EXPECT_EQ(diagnostics.render(),
            "weir.yaml:2:5: error W1203: unknown key \"lisen\"\n"
            "    2 |   - lisen: 8080\n"
            "      |     ^^^^^\n"
            "      help: did you mean \"listen\"?\n"
            "1 error\n");
}

TEST(Diagnostics, come_in_the_order_of_the_file) {
  Diagnostics diagnostics = with_source("a\nb\nc\n");
  diagnostics.warning({0, 3, 1, 1}, Code::unused, "third");
  diagnostics.error({0, 1, 1, 1}, Code::unknown_key, "first");
  diagnostics.error({0, 2, 1, 1}, Code::unknown_key, "second");
  const std::string text = diagnostics.render();
  EXPECT_LT(text.find("first"), text.find("second"));
  EXPECT_LT(text.find("second"), text.find("third"));
  EXPECT_TRUE(text.ends_with("2 errors, 1 warning\n"));
  EXPECT_FALSE(diagnostics.ok());
}

TEST(Diagnostics, are_fine_with_warnings_alone) {
  Diagnostics diagnostics = with_source("a\n");
  diagnostics.warning({0, 1, 1, 1}, Code::unused, "unused");
  EXPECT_TRUE(diagnostics.ok());
}

TEST(Diagnostics, without_a_line_name_only_the_file) {
  Diagnostics diagnostics = with_source("");
  diagnostics.error({0}, Code::empty_file, "the configuration is empty");
  EXPECT_EQ(diagnostics.render(), "weir.yaml: error W1004: the configuration is empty\n1 error\n");
}

TEST(Diagnostics, put_no_control_characters_on_the_terminal) {
  Diagnostics diagnostics = with_source("a\x1b[31m\tb\xc2\x9b\xff\n");
  diagnostics.error({0, 1, 1, 1}, Code::unknown_key, "\x1b[2J");
  const std::string text = diagnostics.render();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("a [31m b??\n"), std::string::npos);
}

TEST(Diagnostics, count_columns_in_code_points) {
  Diagnostics diagnostics = with_source("g\xc3\xbcte: x\n");
  diagnostics.error({0, 1, 7, 1}, Code::bad_text, "no");
  EXPECT_NE(diagnostics.render().find("\n      |       ^\n"), std::string::npos);
}

TEST(Diagnostics, cut_long_lines_to_a_window_around_the_place) {
  Diagnostics diagnostics = with_source(std::string(500, 'a') + "X" + std::string(500, 'b'));
  diagnostics.error({0, 1, 501, 1}, Code::bad_text, "no");
  const std::string text = diagnostics.render();
  EXPECT_LT(text.size(), 400u);
  EXPECT_NE(text.find("..." + std::string(60, 'a') + "X"), std::string::npos);
  const std::size_t line = text.find("    1 | ");
  const std::size_t mark = text.find("      | ", line);
  EXPECT_EQ(text.find('X', line) - line, text.find('^', mark) - mark);
}

TEST(Diagnostics, blot_out_secrets_of_the_lines_they_show) {
  Diagnostics diagnostics = with_source("{ key: hunter2, lisen: 1 }\n");
  diagnostics.hide({0, 1, 8, 7});
  diagnostics.error({0, 1, 17, 5}, Code::unknown_key, "unknown");
  const std::string text = diagnostics.render();
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_NE(text.find("{ key: *******, lisen: 1 }"), std::string::npos);
}

TEST(Diagnostics, show_at_most_a_hundred) {
  Diagnostics diagnostics = with_source("a\n");
  for (int i = 0; i < 101; ++i) diagnostics.error({0, 1, 1, 1}, Code::bad_text, "no");
  EXPECT_NE(diagnostics.render().find("and 1 more\n101 errors\n"), std::string::npos);
}

TEST(Diagnostics, keep_a_thousand_and_count_all) {
  Diagnostics diagnostics = with_source("a\n");
  for (int i = 0; i < 1001; ++i) diagnostics.error({0, 1, 1, 1}, Code::bad_text, "no");
  EXPECT_EQ(diagnostics.sorted().size(), 1000u);
  EXPECT_EQ(diagnostics.error_count(), 1001u);
  EXPECT_NE(diagnostics.render().find("and 901 more\n1001 errors\n"), std::string::npos);
}

TEST(Diagnostics, use_colours_only_when_asked) {
  Diagnostics diagnostics = with_source("a\n");
  diagnostics.error({0, 1, 1, 1}, Code::bad_text, "no", "yes");
  EXPECT_EQ(diagnostics.render().find('\x1b'), std::string::npos);
  EXPECT_NE(diagnostics.render(true).find("\x1b[1;31merror"), std::string::npos);
}

TEST(Diagnostics, come_as_json_for_programs) {
  Diagnostics diagnostics = with_source("a\n");
  diagnostics.error({0, 1, 1, 1}, Code::bad_text, "no");
  EXPECT_EQ(diagnostics.render_json(),
            "[\n  {\n    \"severity\": \"error\",\n    \"code\": \"W1312\",\n"
            "    \"file\": \"weir.yaml\",\n    \"line\": 1,\n    \"column\": 1,\n"
            "    \"message\": \"no\"\n  }\n]");
}

TEST(Codes, have_a_title_a_cause_and_a_remedy) {
  std::set<std::string> seen;
  for (const CodeInfo& info : code_table()) {
    EXPECT_TRUE(seen.insert(to_string(info.code)).second);
    EXPECT_FALSE(info.title.empty());
    EXPECT_TRUE(info.cause.ends_with(".")) << to_string(info.code);
    EXPECT_TRUE(info.remedy.ends_with(".")) << to_string(info.code);
  }
  EXPECT_EQ(to_string(Code::unknown_key), "W1203");
  EXPECT_EQ(code_info(Code::unknown_key).code, Code::unknown_key);
}

}  // namespace
}  // namespace weir::config

#include "config/parse.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/sample_config.h"

namespace weir::config {
namespace {

using namespace std::chrono_literals;
using sample::Colour;
using sample::Paint;
using sample::Print;
using sample::Sample;

struct Reading {
  Diagnostics diagnostics;
  Sample value;
};

Reading read(std::string text) {
  Reading reading;
  const Document document = read_text("t.yaml", std::move(text), reading.diagnostics);
  reading.value = parse<Sample>(document, reading.diagnostics);
  return reading;
}

// The value of a text that must be fine.
Sample value(std::string text) {
  Reading reading = read(std::move(text));
  EXPECT_EQ(reading.diagnostics.render(), "");
  return std::move(reading.value);
}

// `line:column code message (help)`, one for each problem.
std::string problems(std::string text) {
  const Reading reading = read(std::move(text));
  std::string result;
  for (const Diagnostic& entry : reading.diagnostics.sorted()) {
    result += fmt::format("{}{}:{} {} {}", result.empty() ? "" : "\n", entry.position.line,
                          entry.position.column, to_string(entry.code), entry.message);
    if (!entry.help.empty()) result += " (" + entry.help + ")";
  }
  return result;
}

TEST(Parse, keeps_the_defaults_of_what_is_not_given) {
  const Sample sample = value("flag: true\n");
  EXPECT_TRUE(sample.flag);
  EXPECT_EQ(sample.number, 5);
  EXPECT_EQ(sample.text, "hello");
  EXPECT_EQ(sample.wait, 30s);
  EXPECT_FALSE(sample.workers);
}

TEST(Parse, reads_every_kind_of_value) {
  const Sample sample = value(
      "number: 7\nratio: 0.25\ntext: 8080\nwait: 1m\nsize: 1MiB\nworkers: 4\n"
      "window: { low: 2 }\nlabel: x\ntags: [a, b]\nnetworks: [10.0.0.0/8]\n"
      "headers: { B: 1, A: 2 }\nspans: { one: { high: 3 } }\nrange: { low: 1 }\n");
  EXPECT_EQ(sample.number, 7);
  EXPECT_EQ(sample.ratio, 0.25);
  EXPECT_EQ(sample.text, "8080");
  EXPECT_EQ(sample.wait, 60s);
  EXPECT_EQ(sample.size, mebibytes(1));
  EXPECT_EQ(sample.workers, 4u);
  EXPECT_EQ(sample.window->low, 2u);
  EXPECT_EQ(sample.label, "x");
  EXPECT_EQ(sample.tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(sample.networks.at(0).text(), "10.0.0.0/8");
  EXPECT_EQ(sample.headers.entries.at(0).name, "B");
  EXPECT_EQ(*sample.headers.find("A"), "2");
  EXPECT_EQ(sample.spans.entries.at(0).position, (Position{0, 12, 10, 3}));
  EXPECT_EQ(sample.spans.find("one")->high, 3u);
  EXPECT_EQ(sample.range_of_all.low, 1u);
}

TEST(Parse, refuses_unknown_keys_with_a_suggestion) {
  EXPECT_EQ(problems("flga: true\nrange: {hihg: 1}\n"),
            "1:1 W1203 unknown key \"flga\" in sample (did you mean \"flag\"?)\n"
            "2:9 W1203 unknown key \"hihg\" in span (did you mean \"high\"?)");
}

TEST(Parse, finds_the_object_that_a_key_at_the_wrong_depth_belongs_to) {
  EXPECT_EQ(problems("steps:\n  - print: {text: x}\n    coats: 2\n"),
            "3:5 W1203 unknown key \"coats\" in step (it is a key of \"paint\"; check the "
            "indentation)");
  EXPECT_EQ(
      problems("low: 2\n"),
      "1:1 W1203 unknown key \"low\" in sample (it is a key of \"window\" or \"range\"; check "
      "the indentation)");
}

TEST(Parse, sees_a_key_without_its_colon) {
  EXPECT_EQ(problems("steps: [paint: coats 2]\n"),
            "1:16 W1201 a \":\" is missing after \"coats\" (write `key: value`)");
}

TEST(Parse, reports_all_problems_of_a_document) {
  EXPECT_EQ(problems("flag: yes\nnumber: 4\nratio: 2\nwait: 2h\nsize: 5\nworkers: 0\n"),
            "1:7 W1303 \"yes\" is not true or false (write true)\n"
            "2:9 W1302 4 is not one of 3, 5, 7\n"
            "3:8 W1302 2 is too large (at most 1)\n"
            "4:7 W1302 2h is too large (at most 1h)\n"
            "5:7 W1306 \"5\" lacks a unit of size (write 5B for bytes, or 5KiB)\n"
            "6:10 W1302 0 is too small (between 1 and 4294967295)");
}

TEST(Parse, refuses_values_of_another_shape) {
  EXPECT_EQ(problems("flag: [true]\ntags: {a: b}\nnetworks: 10.0.0.0/8\nheaders: [a]\n"
                     "range: 5\nspans: x\n"),
            "1:7 W1201 \"flag\" needs true or false, not a list\n"
            "2:7 W1201 \"tags\" needs a text, not a map\n"
            "3:11 W1201 \"networks\" needs a list, not a single value (write [10.0.0.0/8])\n"
            "4:10 W1201 \"headers\" needs a map, not a list (write `name: value` lines, without "
            "\"- \")\n"
            "5:8 W1201 \"range\" needs a map, not a single value (known here: low, high)\n"
            "6:8 W1201 \"spans\" needs a map, not a single value");
}

TEST(Parse, refuses_keys_without_a_value) {
  EXPECT_EQ(problems("flag:\ntags: ~\nrange:\nworkers: null\n"),
            "1:6 W1209 \"flag\" has no value (give one, or remove the key)\n"
            "2:7 W1209 \"tags\" has no value (give one, or remove the key)\n"
            "3:7 W1209 \"range\" has no value (give one, or remove the key)\n"
            "4:10 W1209 \"workers\" has no value (give one, or remove the key)");
}

TEST(Parse, takes_an_entry_for_a_list_only_where_the_field_says_so) {
  EXPECT_EQ(value("tags: one\n").tags, std::vector<std::string>{"one"});
  EXPECT_EQ(problems("use: [{group: {steps: []}}]\n"),
            "1:23 W1207 \"steps\" needs at least one entry");
}

TEST(Parse, takes_the_word_for_nothing) {
  EXPECT_FALSE(value("workers: auto\n").workers);
  EXPECT_FALSE(value("window: off\n").window);
  EXPECT_EQ(problems("window: on\n"),
            "1:9 W1201 \"window\" needs a map or off, not a single value");
  EXPECT_EQ(problems("workers: many\n"),
            "1:10 W1301 \"many\" is not a whole number (write a whole number, or auto)");
}

TEST(Parse, applies_the_checks_of_a_field_to_texts_and_keys) {
  EXPECT_EQ(problems("text: ''\nheaders: { a b: c }\n"),
            "1:7 W1310 the text must not be empty\n2:12 W1312 no spaces here (remove them)");
}

TEST(Parse, lets_an_object_judge_itself_when_its_fields_are_sound) {
  EXPECT_EQ(problems("range: { low: 20 }\n"), "1:15 W1406 low is above high");
  EXPECT_EQ(problems("range: { low: 20, high: x }\n"), "1:25 W1301 \"x\" is not a whole number");
}

TEST(Parse, says_nothing_of_the_value_of_a_secret) {
  const Reading reading = read("password: hunter 2\n");
  const std::string text = reading.diagnostics.render();
  EXPECT_EQ(text.find("hunter"), std::string::npos);
  EXPECT_NE(text.find("the value of \"password\" is refused"), std::string::npos);
}

TEST(Parse, reads_modules_of_a_list_as_names_or_maps) {
  const Sample sample = value("use:\n  - paint\n  - print: { text: x }\n  - paint: { coats: 2 }\n");
  ASSERT_EQ(sample.use.size(), 3u);
  EXPECT_EQ(sample.use[0].type->name, "paint");
  EXPECT_EQ(sample.use[0].as<Paint>().coats, 1);
  EXPECT_EQ(sample.use[1].as<Print>().text, "x");
  EXPECT_EQ(sample.use[2].as<Paint>().coats, 2);
  EXPECT_EQ(sample.use[2].position, (Position{0, 4, 5, 5}));
}

TEST(Parse, refuses_modules_that_are_unknown_or_malformed) {
  EXPECT_EQ(problems("use: [pant, {paint: {}, print: {}}, [paint], print, {print: {}}]\n"),
            "1:7 W1204 \"pant\" is not known in \"use\" (did you mean \"paint\"?)\n"
            "1:13 W1208 an entry of \"use\" has one key, its name; this has 2 (begin each entry "
            "with \"- \", and indent its options below its name)\n"
            "1:37 W1201 \"use\" needs a name, or a map with one key, not a list\n"
            "1:46 W1202 \"print\" needs \"text\" (What.)\n"
            "1:61 W1202 print needs \"text\" (What.)");
}

TEST(Parse, reads_modules_within_modules) {
  const Sample sample = value("use: [{group: {steps: [paint, {group: {steps: [paint]}}]}}]\n");
  const auto& group = sample.use.at(0).as<sample::Group>();
  EXPECT_EQ(group.steps.at(0).type->name, "paint");
  EXPECT_EQ(group.steps.at(1).type->name, "group");
}

TEST(Parse, reads_a_choice_among_the_keys_of_an_object) {
  const Sample sample = value("steps:\n  - name: x\n    print: { text: y }\n  - paint:\n");
  ASSERT_EQ(sample.steps.size(), 2u);
  EXPECT_EQ(sample.steps[0].action.as<Print>().text, "y");
  EXPECT_EQ(sample.steps[0].position.line, 2u);
  EXPECT_EQ(*sample.steps[0].name, "x");
  EXPECT_EQ(sample.steps[0].name.position, (Position{0, 2, 11, 1}));
  EXPECT_EQ(sample.steps[1].action.as<Paint>().coats, 1);
}

TEST(Parse, refuses_no_choice_and_two) {
  EXPECT_EQ(problems("steps:\n  - name: x\n  - paint: 2\n    print: {}\n  - pant: 2\n"),
            "2:5 W1205 step has no action (add one of: paint, print, group)\n"
            "4:5 W1206 a step has one action, and \"paint\" already stands on line 3 (remove one "
            "of the two, or write two entries)\n"
            "4:12 W1202 print needs \"text\" (What.)\n"
            "5:5 W1203 unknown key \"pant\" in step (did you mean \"paint\"?)");
}

TEST(Parse, lets_a_value_stand_for_an_object_by_its_form) {
  EXPECT_EQ(value("steps: [paint: 3]\n").steps[0].action.as<Paint>().coats, 3);
  EXPECT_EQ(value("steps: [paint: green]\n").steps[0].action.as<Paint>().colour, Colour::green);
  EXPECT_EQ(problems("steps: [paint: blue]\n"), "1:16 W1304 \"blue\" is not one of red, green");
  EXPECT_EQ(problems("steps: [paint: 10]\n"), "1:16 W1302 10 is too large (between 1 and 9)");
}

TEST(Parse, still_checks_what_stands_before_a_syntax_error) {
  EXPECT_EQ(problems("flga: true\ntags: [a\n").substr(0, 71),
            "1:1 W1203 unknown key \"flga\" in sample (did you mean \"flag\"?)\n3:1 W1101");
}

TEST(Parse, does_not_miss_keys_of_what_a_syntax_error_cut_off) {
  EXPECT_EQ(problems("steps:\n  - { name: x, ]\n"), "2:16 W1101 a value is missing here");
}

TEST(Parse, refuses_an_empty_document_and_one_that_is_no_map) {
  EXPECT_EQ(problems("# nothing\n"),
            "0:0 W1004 the configuration is empty (begin with `listeners:`)");
  EXPECT_EQ(problems("- a\n"),
            "1:1 W1201 a map is needed here, not a list (known here: flag, number, ratio, text, "
            "password, wait, size, workers, window, label, tags, networks, and 5 more)");
}

}  // namespace
}  // namespace weir::config

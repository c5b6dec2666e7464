#include "config/dump.h"

#include <gtest/gtest.h>

#include "config/sample_config.h"

namespace weir::config {
namespace {

using sample::Sample;

Sample read(std::string text) {
  Diagnostics diagnostics;
  const Document document = read_text("t.yaml", std::move(text), diagnostics);
  Sample result = parse<Sample>(document, diagnostics);
  EXPECT_EQ(diagnostics.render(), "");
  return result;
}

// What is given in the text, as the dump writes it: the lines of the dump that contain the key.
std::string line_of(const std::string& dump, std::string_view key) {
  const std::size_t begin = dump.find(std::string(key) + ":");
  return dump.substr(begin, dump.find('\n', begin) - begin);
}

TEST(Dump, fills_in_the_defaults) {
  EXPECT_EQ(dump_yaml(Sample{}),
            "flag: false\n"
            "number: 5\n"
            "ratio: 0.5\n"
            "text: hello\n"
            "password: \"\"\n"
            "wait: 30s\n"
            "size: 64KiB\n"
            "workers: auto\n"
            "window: off\n"
            "tags: []\n"
            "networks: []\n"
            "headers: {}\n"
            "spans: {}\n"
            "range:\n"
            "  low: 0\n"
            "  high: 10\n"
            "use: []\n"
            "steps: []\n");
}

constexpr std::string_view kFull =
    "flag: true\nworkers: 3\nwindow: {low: 1}\nlabel: 'a: b'\ntags: [on, 12:30, '']\n"
    "networks: [10.0.0.0/8, '::1']\nheaders: {X-Name: \"\\u263a \\u2028\\t\\x7f\\\"\"}\n"
    "spans: {'yes': {}, 'a b': {low: 2}}\n"
    "use: [paint, {group: {steps: [{print: {text: '* x'}}]}}]\n"
    "steps: [{paint: green, name: last}]\n";

TEST(Dump, reads_back_as_the_same_text) {
  const std::string first = dump_yaml(read(std::string(kFull)));
  EXPECT_EQ(dump_yaml(read(first)), first);
  EXPECT_NE(first.find("tags:\n  - \"on\"\n  - \"12:30\"\n  - \"\"\n"), std::string::npos);
  EXPECT_NE(first.find("networks:\n  - 10.0.0.0/8\n  - \"::1/128\"\n"), std::string::npos);
  EXPECT_NE(first.find("  X-Name: \"\xe2\x98\xba \\u2028\\t\\u007f\\\"\"\n"), std::string::npos);
  EXPECT_NE(first.find("spans:\n  \"yes\":\n    low: 0\n"), std::string::npos);
  EXPECT_NE(first.find("steps:\n  - paint:\n      colour: green\n      coats: 1\n    name: last\n"),
            std::string::npos)
      << first;
}

TEST(Dump, reads_back_as_the_same_value) {
  const Sample once = read(std::string(kFull));
  EXPECT_TRUE(same(once, read(dump_yaml(once, Secrets::shown))));
  EXPECT_FALSE(same(once, Sample{}));
}

TEST(Dump, redacts_secrets_that_are_set) {
  const Sample sample = read("password: hunter2\n");
  EXPECT_EQ(line_of(dump_yaml(sample), "password"), "password: \"<redacted>\"");
  EXPECT_EQ(line_of(dump_yaml(sample, Secrets::shown), "password"), "password: hunter2");
  EXPECT_EQ(dump_json(sample).find("hunter2"), std::string::npos);
}

TEST(Dump, tells_different_secrets_apart_when_comparing) {
  EXPECT_FALSE(same(read("password: a\n"), read("password: b\n")));
  EXPECT_TRUE(same(read("password: a\n"), read("password: a\n")));
}

TEST(Dump, quotes_texts_that_other_readers_might_take_for_something_else) {
  for (const char* text :
       {"",     "true", "No", "null",     "~",  "12", "1e3", "0x1f", "1_000", "- a",  "a: b",
        "a #b", "*x",   "&x", "!x",       "%x", "@x", "`x",  "{",    "[",     "a\nb", " a",
        "a ",   "<<",   "?",  "12:30:45", "'",  "\"", "\\",  "|",    ">"}) {
    Sample sample;
    sample.headers.entries.push_back({"K", {}, text});
    const std::string line = line_of(dump_yaml(sample), "K");
    EXPECT_TRUE(line.starts_with("K: \"") && line.ends_with("\"")) << line;
    EXPECT_EQ(*read(dump_yaml(sample)).headers.find("K"), text);
  }
}

TEST(Dump, leaves_common_texts_without_quotes) {
  for (const char* text : {"api", "/a/b", "30s", "64KiB", "100/s", "10.0.0.1:80", "10.0.0.0/8",
                           "shop.example", "off", "a+b"}) {
    Sample sample;
    sample.headers.entries.push_back({"K", {}, text});
    EXPECT_EQ(line_of(dump_yaml(sample), "K"), std::string("K: ") + text);
  }
}

TEST(Dump, comes_as_json_with_numbers_and_booleans) {
  const std::string json = dump_json(read("flag: true\nworkers: 3\nratio: 0.25\n"));
  EXPECT_NE(json.find("\"flag\": true"), std::string::npos);
  EXPECT_NE(json.find("\"workers\": 3"), std::string::npos);
  EXPECT_NE(json.find("\"ratio\": 0.25"), std::string::npos);
  EXPECT_NE(json.find("\"wait\": \"30s\""), std::string::npos);
  EXPECT_EQ(json.find("label"), std::string::npos);
}

}  // namespace
}  // namespace weir::config

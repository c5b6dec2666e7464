#include "app/control_message.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(ControlMessage, brings_a_request_over_unchanged) {
  ControlRequest request{"explain", {{"request", {"GET /\n\"x\""}}, {"header", {"A: b", "C: d"}}}};
  std::string line = encode(request);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  auto read = decode_request(line);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->verb, "explain");
  EXPECT_EQ(read->argument("request"), "GET /\n\"x\"");
  EXPECT_EQ(read->list("header"), (std::vector<std::string>{"A: b", "C: d"}));
  EXPECT_EQ(read->argument("other"), "");
}

TEST(ControlMessage, brings_an_answer_over_with_its_data) {
  ControlAnswer answer{false, "line one\nline two\n", R"({"generation": 3})"};
  std::string line = encode(answer);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  auto read = decode_answer(line);
  ASSERT_TRUE(read) << read.error();
  EXPECT_FALSE(read->ok);
  EXPECT_EQ(read->text, answer.text);
  EXPECT_EQ(read->data, "{\n  \"generation\": 3\n}");
  EXPECT_EQ(decode_answer(encode(ControlAnswer{true, "done", {}}))->data, "");
}

TEST(ControlMessage, takes_an_argument_without_a_list) {
  auto read = decode_request(R"({"version":1,"verb":"reload","arguments":{"colour":"yes"}})");
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->argument("colour"), "yes");
}

TEST(ControlMessage, makes_valid_json_of_texts_that_are_no_utf8) {
  auto read = decode_answer(encode(ControlAnswer{true, "a\xff", {}}));
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->text.starts_with("a"));
}

TEST(ControlMessage, refuses_what_is_no_request) {
  for (const char* line :
       {"", "reload", "[]", "{}", R"({"version":1})", R"({"version":"1","verb":"reload"})",
        R"({"version":1,"verb":5})", R"({"version":1,"verb":"a","arguments":[]})",
        R"({"version":1,"verb":"a","arguments":{"b":1}})",
        R"({"version":1,"verb":"a","arguments":{"b":[1]}})", R"({"version":1,"verb":"a"} x)"}) {
    EXPECT_FALSE(decode_request(line)) << line;
  }
  EXPECT_TRUE(decode_request(R"({"version":1,"verb":"a"})"));
  EXPECT_EQ(decode_request(R"({"version":2,"verb":"reload"})").error(),
            "version 2 of the control protocol is not known here, 1 is");
}

}  // namespace
}  // namespace weir

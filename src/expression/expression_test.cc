#include "expression/expression.h"

#include <gtest/gtest.h>

#include "expression/fake_facts.h"
#include "expression/parser.h"

namespace weir::expression {
namespace {

const FakeFacts kFacts = FakeFacts::sample();

bool holds(std::string_view source) {
  auto expression = Expression::compile(source, Stage::response);
  if (!expression) {
    ADD_FAILURE() << source << ": " << expression.error().message;
    return false;
  }
  return expression->evaluate(kFacts);
}

CompileError error_of(std::string_view source, Stage stage = Stage::response) {
  auto expression = Expression::compile(source, stage);
  if (!expression) return expression.error();
  ADD_FAILURE() << source << " is accepted";
  return {};
}

void expect_error(std::string_view source, std::string_view place, std::string_view message,
                  std::string_view help = {}, Stage stage = Stage::response) {
  CompileError error = error_of(source, stage);
  EXPECT_NE(error.message.find(message), std::string::npos) << source << ": " << error.message;
  EXPECT_NE(error.help.find(help), std::string::npos) << source << ": " << error.help;
  EXPECT_EQ(source.substr(std::min(error.offset, source.size()), error.length), place) << source;
}

TEST(Expression, compares_text) {
  EXPECT_TRUE(holds("method == \"GET\""));
  EXPECT_FALSE(holds("method == \"get\""));
  EXPECT_TRUE(holds("method != \"POST\""));
  EXPECT_TRUE(holds("path starts_with \"/api/\""));
  EXPECT_FALSE(holds("path starts_with \"/api/v1/items/more\""));
  EXPECT_TRUE(holds("path ends_with \"items\""));
  EXPECT_FALSE(holds("path ends_with \"item\""));
  EXPECT_TRUE(holds("path contains \"v1\""));
  EXPECT_FALSE(holds("path contains \"v2\""));
  EXPECT_TRUE(holds("path contains \"\""));
  EXPECT_TRUE(holds("method in [\"HEAD\", \"GET\"]"));
  EXPECT_FALSE(holds("method in [\"HEAD\"]"));
  EXPECT_TRUE(holds("\"GET\" == method"));
  EXPECT_TRUE(holds("target ends_with query"));
  EXPECT_FALSE(holds("host == path"));
}

TEST(Expression, matches_regular_expressions_against_the_whole_text) {
  EXPECT_TRUE(holds(R"(path matches "/api/v[0-9]+/.*")"));
  EXPECT_FALSE(holds(R"(path matches "v[0-9]+")"));
  EXPECT_TRUE(holds(R"(path matches "/\w+/v\d/items")"));
  EXPECT_TRUE(holds(R"(header.user-agent matches "(?i)CURL/.*")"));
}

// A matcher that goes back would not end.
TEST(Expression, attack_42_no_regex_takes_longer_than_its_text_is_long) {
  FakeFacts facts = FakeFacts::sample();
  std::string path = "/" + std::string(60'000, 'a') + "!";
  facts.set(Fact::path, Value::of(std::string_view(path)));
  auto slow = Expression::compile(R"(path matches "/(a+)+(a|aa)+(.*a){8}b")", Stage::response);
  ASSERT_TRUE(slow);
  EXPECT_FALSE(slow->evaluate(facts));
}

TEST(Expression, compares_numbers_and_durations) {
  EXPECT_TRUE(holds("status == 200"));
  EXPECT_TRUE(holds("status >= 200 and status < 300"));
  EXPECT_FALSE(holds("status > 200"));
  EXPECT_TRUE(holds("status <= 200"));
  EXPECT_TRUE(holds("status in [200, 204]"));
  EXPECT_FALSE(holds("status in [500]"));
  EXPECT_TRUE(holds("duration > 12ms and duration < 13ms"));
  EXPECT_TRUE(holds("duration < 1s and duration < 1m and duration < 1h"));
  EXPECT_TRUE(holds("upstream_connect == 300us"));
  EXPECT_TRUE(holds("bytes_out > -1"));
  EXPECT_TRUE(holds("duration > first_byte"));
}

TEST(Expression, treats_absent_numbers_as_equal_to_nothing) {
  EXPECT_FALSE(holds("upstream_response == 0s"));
  EXPECT_FALSE(holds("upstream_response < 1h"));
  EXPECT_FALSE(holds("upstream_response >= 0s"));
  EXPECT_TRUE(holds("upstream_response != 1s"));
  EXPECT_FALSE(holds("present(upstream_response)"));
  EXPECT_TRUE(holds("default(upstream_response, 5ms) == 5ms"));
}

TEST(Expression, treats_absent_text_facts_as_empty) {
  EXPECT_TRUE(holds("tls.server_name == \"\""));
  EXPECT_TRUE(holds("tls.server_name != host"));
  EXPECT_FALSE(holds("present(tls.server_name)"));
  EXPECT_TRUE(holds("present(host)"));
}

TEST(Expression, finds_addresses_in_networks) {
  EXPECT_TRUE(holds("client_ip in 10.0.0.0/8"));
  EXPECT_FALSE(holds("client_ip in 192.168.0.0/16"));
  EXPECT_TRUE(holds("client_ip in [192.168.0.0/16, 10.1.2.0/24, ::1]"));
  EXPECT_TRUE(holds("client_ip == 10.1.2.3"));
  EXPECT_TRUE(holds("client_ip != 10.1.2.4"));
  EXPECT_FALSE(holds("client_ip in fd00::/8"));
  EXPECT_TRUE(holds("(client_ip in 10.0.0.0/8) and not client_ip in [::/0]"));
}

TEST(Expression, matches_a_field_if_any_of_its_values_matches) {
  EXPECT_TRUE(holds("header.accept == \"application/json\""));
  EXPECT_TRUE(holds("header.accept == \"text/html\""));
  EXPECT_TRUE(holds("header.accept starts_with \"application/\""));
  EXPECT_TRUE(holds("header.accept in [\"x\", \"text/html\"]"));
  EXPECT_FALSE(holds("header.accept == \"text/html, application/json\""));
}

TEST(Expression, means_by_unequal_that_no_value_is_equal) {
  EXPECT_FALSE(holds("header.accept != \"text/html\""));
  EXPECT_TRUE(holds("header.accept != \"image/png\""));
  EXPECT_TRUE(holds("header.missing != \"a\""));
  EXPECT_FALSE(holds("header.missing == \"\""));
  EXPECT_TRUE(holds("header.x-empty == \"\""));
}

TEST(Expression, asks_for_fields_by_name) {
  EXPECT_TRUE(holds("header.User-Agent starts_with \"curl\""));
  EXPECT_TRUE(holds("header.\"user-agent\" starts_with \"curl\""));
  EXPECT_TRUE(holds("query.page == \"2\""));
  EXPECT_FALSE(holds("query.Page == \"2\""));
  EXPECT_TRUE(holds("query.q == \"a b\""));
  EXPECT_TRUE(holds("query == \"page=2&q=a%20b\""));
  EXPECT_TRUE(holds("cookie.session == \"S1\""));
  EXPECT_TRUE(holds("response_header.content-type == \"text/plain\""));
  EXPECT_TRUE(holds("present(header.x-empty)"));
  EXPECT_FALSE(holds("present(header.missing)"));
  EXPECT_FALSE(holds("present(query.\"a[b]\")"));
}

TEST(Expression, lowers_and_falls_back) {
  EXPECT_TRUE(holds("lower(protocol) == \"http/1.1\""));
  EXPECT_TRUE(holds("lower(method) in [\"get\"]"));
  EXPECT_TRUE(holds("lower(header.user-agent) contains \"l/8\""));
  EXPECT_TRUE(holds("lower(protocol) contains \"tp/1\""));
  EXPECT_FALSE(holds("lower(protocol) contains \"tp/2\""));
  EXPECT_TRUE(
      holds("lower(protocol) starts_with \"http\" and lower(protocol) ends_with \"p/1.1\""));
  EXPECT_TRUE(holds("default(header.missing, \"x\") == \"x\""));
  EXPECT_TRUE(holds("default(header.x-empty, \"x\") == \"x\""));
  EXPECT_TRUE(holds("default(header.missing, default(header.accept, \"x\")) == \"text/html\""));
  EXPECT_TRUE(holds("lower(default(header.missing, \"X\")) == \"x\""));
  EXPECT_FALSE(holds("default(header.accept, \"x\") == \"x\""));
}

TEST(Expression, binds_not_before_and_before_or) {
  EXPECT_TRUE(holds("true or false and false"));
  EXPECT_FALSE(holds("(true or false) and false"));
  EXPECT_FALSE(holds("not true or false"));
  EXPECT_TRUE(holds("not (true and false)"));
  EXPECT_TRUE(holds("not not true"));
  EXPECT_TRUE(holds("false or (false or (true and (true)))"));
}

TEST(Expression, agrees_with_a_truth_table_for_every_shape) {
  const char* const kShapes[] = {"A and B or C",          "A or B and C",
                                 "not A and B or not C",  "not (A or B) and C",
                                 "(A or B) and (B or C)", "not (A and not (B or C))",
                                 "A and B and C or not A"};
  for (std::string_view shape : kShapes) {
    for (int bits = 0; bits < 8; ++bits) {
      bool a = bits & 1, b = bits & 2, c = bits & 4;
      std::string source;
      for (char letter : shape) {
        if (letter < 'A' || letter > 'C') {
          source += letter;
          continue;
        }
        source += (bits >> (letter - 'A') & 1) ? "status == 200" : "status == 404";
      }
      bool expected = shape == kShapes[0]   ? (a && b) || c
                      : shape == kShapes[1] ? a || (b && c)
                      : shape == kShapes[2] ? (!a && b) || !c
                      : shape == kShapes[3] ? !(a || b) && c
                      : shape == kShapes[4] ? (a || b) && (b || c)
                      : shape == kShapes[5] ? !(a && !(b || c))
                                            : (a && b && c) || !a;
      EXPECT_EQ(holds(source), expected) << shape << " " << bits;
    }
  }
}

TEST(Expression, goes_only_forward) {
  auto expression =
      Expression::compile("not (method == \"A\" or status > 1) and present(host)", Stage::response);
  EXPECT_EQ(expression->listing(),
            "start 0\n"
            "0: method == \"A\" ? false : 1\n"
            "1: status > 1 ? false : 2\n"
            "2: host present ? true : false\n");
}

TEST(Expression, is_printed_in_one_spelling_that_compiles_to_the_same) {
  for (auto [source, printed] :
       {std::pair{"((method==\"GET\"))  and(status in[200,204])",
                  "method == \"GET\" and status in [200, 204]"},
        {"(true and false) and true", "true and false and true"},
        {"not (true or false)", "not (true or false)"},
        {"(true or false) and true", "(true or false) and true"},
        {"client_ip in 10.0.0.0/8", "client_ip in [10.0.0.0/8]"},
        {"client_ip == 0::1", "client_ip == ::1"},
        {"header.X-Foo == \"a\\\"b\\\\c\\d\"", "header.x-foo == \"a\\\"b\\\\c\\\\d\""},
        {"header.\"odd name\" != lower(default(host, \"X\"))",
         "header.\"odd name\" != default(lower(host), \"x\")"},
        {"duration > 1000ms or duration in [90s, 1500us, 0s]",
         "duration > 1s or duration in [90s, 1500us, 0us]"}}) {
    auto expression = Expression::compile(source, Stage::response);
    ASSERT_TRUE(expression) << source;
    EXPECT_EQ(expression->text(), printed);
    auto again = Expression::compile(printed, Stage::response);
    ASSERT_TRUE(again) << printed;
    EXPECT_EQ(again->listing(), expression->listing());
    EXPECT_EQ(again->text(), printed);
  }
}

TEST(ExpressionErrors, name_the_fact_that_was_probably_meant) {
  expect_error("methd == \"GET\"", "methd", "there is no fact \"methd\"", "\"method\"");
  expect_error("clientip in 10.0.0.0/8", "clientip", "there is no fact", "\"client_ip\"");
  expect_error("heder.accept == \"a\"", "heder.accept", "there is no fact", "\"header.accept\"");
  expect_error("headers.accept == \"a\"", "headers.accept", "no fact", "\"header.accept\"");
  expect_error("sni == \"a\"", "sni", "no fact", "\"tls.server_name\"");
  expect_error("remote_addr == \"a\"", "remote_addr", "no fact", "\"client_ip\"");
  expect_error("cookie == \"a\"", "cookie", "no fact", "write cookie.name");
}

TEST(ExpressionErrors, show_the_word_that_is_out_of_place) {
  expect_error("", "", "the text ends");
  expect_error("method ==", "", "the text ends");
  expect_error("method == \"GET\" method", "method", "stands where");
  expect_error("(method == \"GET\"", "", "ends where \")\"");
  expect_error("method == \"GET\")", ")", "stands where");
  expect_error("and", "and", "there is no fact");
  expect_error("method \"GET\"", "method", "this is a value");
  expect_error("method in [\"GET\"", "", "ends where");
  expect_error("method in []", "]", "text in quotes");
  expect_error("status in [\"a\"]", "\"a\"", "stands where a number");
}

TEST(ExpressionErrors, teach_the_one_spelling) {
  expect_error("true && false", "&", "no operator", "write and");
  expect_error("true || false", "|", "no operator", "write or");
  expect_error("!true", "!", "no operator", "write not");
  expect_error("method = \"GET\"", "=", "no operator", "write ==");
  expect_error("method ~ \"GET\"", "~", "no operator", "write matches");
  expect_error("method == 'GET'", "'", "double quotes");
  expect_error("client_ip not in 10.0.0.0/8", "not", "not stands before");
  expect_error("status >= 10kb", "10kb", "neither a number nor a duration", "units");
  expect_error("header.x", "header.x", "this is a value", "present(header.x)");
  expect_error("method in \"GET\"", "", "in takes a list", "[\"a\", \"b\"]");
}

TEST(ExpressionErrors, check_types) {
  expect_error("status == \"200\"", "\"200\"", "a number is compared with a text");
  expect_error("method == 1", "1", "a text is compared with a number", "double quotes");
  expect_error("method < \"a\"", "<", "does not work on a text");
  expect_error("status starts_with 2", "starts_with", "does not work on a number");
  expect_error("duration > 5", "5", "a duration is compared with a number");
  expect_error("time > 5", ">", "does not work on a time");
  expect_error("client_ip > 10.0.0.1", ">", "does not work on an address");
  expect_error("client_ip == 10.0.0.0/8", "10.0.0.0/8", "takes one address", "in 10.0.0.0/8");
  expect_error("client_ip in 10.0.0.0/33", "10.0.0.0/33", "neither an address nor a network");
  expect_error("client_ip in [10.0.0.1, bad]", "bad", "neither an address");
  expect_error("client_ip ==", "", "neither an address");
  expect_error("lower(status) == 1", "status", "takes a text");
  expect_error("default(status, \"a\") == 1", "\"a\"", "the default of a number is a text");
  expect_error("default(\"a\", host) == \"a\"", "\"a\"", "always has a value");
  expect_error("host == header.host", "header.host", "several values");
  expect_error("host matches path", "path", "in quotes");
  expect_error("host matches \"(\"", "\"(\"", "no regular expression");
  expect_error("lower(host) matches \"a\"", "lower(host)", "does not work after lower", "(?i)");
  expect_error("lower(host) == \"ABC\"", "\"ABC\"", "never equals", "\"abc\"");
  expect_error("lower(host) in [\"a\", \"B\"]", "\"B\"", "never equals");
  expect_error("lower(host) contains path", "path", "only text in quotes");
  expect_error("present(\"a\")", "\"a\"", "always present");
}

TEST(ExpressionErrors, refuse_facts_that_are_not_known_yet) {
  expect_error("status == 200", "status", "not known here", "", Stage::request);
  expect_error("response_header.a == \"\"", "response_header.a", "not known here", "",
               Stage::route);
  expect_error("route == \"a\"", "route", "only when a route", "", Stage::request);
  expect_error("path == \"/\"", "path", "only when there is a request", "", Stage::connection);
  EXPECT_TRUE(Expression::compile("path == \"/\"", Stage::request));
  EXPECT_TRUE(Expression::compile("client_ip in ::1", Stage::connection));
}

TEST(ExpressionErrors, bound_numbers_names_depth_and_length) {
  expect_error("status == 99999999999999999999", "99999999999999999999", "too large");
  expect_error("duration < 9999999999h", "9999999999h", "too long");
  expect_error("header. == \"a\"", "header.", "name of the header is missing");
  expect_error("method == \"a", "\"a", "no closing quote");
  auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '(') + "true" +
           std::string(static_cast<std::size_t>(depth), ')');
  };
  EXPECT_TRUE(holds(nested(kMaxDepth - 1)));
  EXPECT_TRUE(holds(nested(kMaxDepth)));
  expect_error(nested(kMaxDepth + 1), "(", "nested too deep");
  std::string deep_lower = "present(";
  for (int i = 0; i < 40; ++i) deep_lower += "lower(";
  EXPECT_NE(error_of(deep_lower).message.find("too deep"), std::string::npos);
  std::string filled(kMaxSource - 4, ' ');
  EXPECT_TRUE(holds(filled + "true"));
  EXPECT_NE(error_of(filled + " true").message.find("longer than"), std::string::npos);
  std::string many = "method in [\"a\"";
  while (many.size() < kMaxSource - 10) many += ",\"a\"";
  EXPECT_FALSE(holds(many + "]"));
}

}  // namespace
}  // namespace weir::expression

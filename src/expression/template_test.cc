#include "expression/template.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "expression/fake_facts.h"
#include "expression/log_formats.h"

namespace weir::expression {
namespace {

const FakeFacts kFacts = FakeFacts::sample();

std::string render(std::string_view source, Escape escape = Escape::none,
                   const FakeFacts& facts = kFacts) {
  auto made = Template::compile(source, Stage::response, escape);
  if (!made) {
    ADD_FAILURE() << source << ": " << made.error().message;
    return "error";
  }
  std::string out;
  return made->append_to(out, facts) ? out : "refused";
}

TEST(Template, fills_holes) {
  EXPECT_EQ(render("${method} ${path}"), "GET /api/v1/items");
  EXPECT_EQ(render("<${host}>"), "<shop.example>");
  EXPECT_EQ(render("${method}${method}"), "GETGET");
  EXPECT_EQ(render(""), "");
  EXPECT_EQ(render("no hole"), "no hole");
  EXPECT_EQ(render("${ lower( method ) }"), "get");
  EXPECT_EQ(render("${default(header.missing, \"}\")}"), "}");
}

TEST(Template, takes_dollars_that_open_no_hole_for_themselves) {
  EXPECT_EQ(render("$ $5 $$ {a}"), "$ $5 $$ {a}");
  EXPECT_EQ(render("$${method}"), "${method}");
  EXPECT_EQ(render("$${a} ${method} $${b}"), "${a} GET ${b}");
  EXPECT_EQ(render("${\"$\"}${method}"), "$GET");
}

TEST(Template, writes_every_type) {
  EXPECT_EQ(render("${status} ${client_port} ${client_ip}"), "200 50123 10.1.2.3");
  EXPECT_EQ(render("${duration}"), "12.345");
  EXPECT_EQ(render("${upstream_connect}"), "0.300");
  EXPECT_EQ(render("${time}"), "2026-03-01T12:30:00.123Z");
  EXPECT_EQ(render("${time_clf}"), "01/Mar/2026:12:30:00 +0000");
  EXPECT_EQ(render("${time_unix}"), "1772368200.123");
  EXPECT_EQ(render("${default(upstream_response, 5ms)}"), "5.000");
  EXPECT_EQ(render("${7} ${\"t\"}"), "7 t");
}

TEST(Template, joins_the_values_of_a_field) {
  EXPECT_EQ(render("${header.accept}"), "text/html, application/json");
  EXPECT_EQ(render("[${header.missing}${header.x-empty}]"), "[]");
}

TEST(Template, shows_absent_numbers_as_a_dash_or_null) {
  EXPECT_EQ(render("${upstream_response}"), "-");
  EXPECT_EQ(render("${upstream_response}", Escape::log), "-");
  EXPECT_EQ(render("${upstream_response}", Escape::json), "null");
  EXPECT_EQ(render("[${tls.version}]"), "[]");
}

TEST(Template, escapes_for_logs) {
  EXPECT_EQ(render("${header.user-agent}", Escape::log), R"(curl/8.0 \"test\")");
  EXPECT_EQ(render("${header.x-bytes}", Escape::log), R"(a\x01\x0d\x0a\xff\xc3\xa9\\)");
  EXPECT_EQ(render("\"${method}\"", Escape::log), "\"GET\"");
}

TEST(Template, escapes_for_json) {
  EXPECT_EQ(render("${header.x-bytes}", Escape::json), "a\\u0001\\r\\n\\u00ff\xc3\xa9\\\\");
}

TEST(Template, keeps_only_whole_utf8_sequences_in_json) {
  FakeFacts facts;
  struct Case {
    std::string_view bytes;
    std::string_view json;
  };
  for (Case c : {Case{"\xe2\x82\xac", "\xe2\x82\xac"},
                 {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
                 {"\xc0\x80", "\\u00c0\\u0080"},
                 {"\xe0\x80\x80", "\\u00e0\\u0080\\u0080"},
                 {"\xed\xa0\x80", "\\u00ed\\u00a0\\u0080"},
                 {"\xf4\x90\x80\x80", "\\u00f4\\u0090\\u0080\\u0080"},
                 {"\xf5\x80", "\\u00f5\\u0080"},
                 {"\xe2\x82", "\\u00e2\\u0082"},
                 {"\x80", "\\u0080"},
                 {"\xc3(", "\\u00c3("},
                 {"\x7f", "\\u007f"}}) {
    facts.set(Fact::host, Value::of(c.bytes));
    EXPECT_EQ(render("${host}", Escape::json, facts), c.json);
  }
}

TEST(Template, refuses_to_put_control_characters_into_a_header) {
  EXPECT_EQ(render("a ${header.user-agent}", Escape::header), "a curl/8.0 \"test\"");
  FakeFacts facts;
  for (std::string_view bad : {std::string_view("a\rb"), std::string_view("a\nb"),
                               std::string_view("a\0b", 3), std::string_view("\x7f")}) {
    facts.set(Fact::host, Value::of(bad));
    EXPECT_EQ(render("${host}", Escape::header, facts), "refused");
  }
  facts.set(Fact::host, Value::of(std::string_view("a\tb\xff")));
  EXPECT_EQ(render("${host}", Escape::header, facts), "a\tb\xff");
  auto made = Template::compile("a\r\nb", Stage::request, Escape::header);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().offset, 1u);
}

TEST(Template, leaves_the_text_as_it_was_when_it_refuses) {
  FakeFacts facts;
  facts.set(Fact::host, Value::of(std::string_view("a\n")));
  auto made = Template::compile("x${method}${host}", Stage::request, Escape::header);
  std::string out = "before";
  EXPECT_FALSE(made->append_to(out, facts));
  EXPECT_EQ(out, "before");
}

TEST(Template, fits_a_fixed_buffer_or_says_that_it_does_not) {
  auto made = Template::compile("${method} ${path}!", Stage::request, Escape::none);
  std::string expected = "GET /api/v1/items!";
  for (std::size_t size : {expected.size() - 1, expected.size(), expected.size() + 1}) {
    std::vector<char> buffer(size);
    auto written = made->write_to(buffer, kFacts);
    EXPECT_EQ(written.has_value(), size >= expected.size());
    if (written) EXPECT_EQ(std::string_view(buffer.data(), *written), expected);
  }
  EXPECT_FALSE(made->write_to({}, kFacts));
}

TEST(Template, knows_when_it_is_constant) {
  EXPECT_EQ(Template::compile("a $${b}", Stage::request, Escape::none)->constant(), "a ${b}");
  EXPECT_FALSE(Template::compile("${host}", Stage::request, Escape::none)->constant());
}

TEST(Template, says_where_a_hole_is_wrong) {
  auto error = [](std::string_view source) {
    auto made = Template::compile(source, Stage::request, Escape::none);
    EXPECT_FALSE(made) << source;
    return made ? CompileError{} : made.error();
  };
  EXPECT_EQ(error("ab ${metod}").offset, 5u);
  EXPECT_EQ(error("ab ${metod}").help, "did you mean \"method\"?");
  EXPECT_EQ(error("a${host").offset, 7u);
  EXPECT_EQ(error("a${}").offset, 3u);
  EXPECT_EQ(error("a${host == \"a\"}").offset, 8u);
  EXPECT_EQ(error("${host}${status}").offset, 9u);
  EXPECT_EQ(error(std::string(8193, 'a')).offset, 8192u);
}

TEST(LogFormats, write_the_combined_format) {
  EXPECT_EQ(render(kCombinedFormat.source, kCombinedFormat.escape),
            R"x(10.1.2.3 - - [01/Mar/2026:12:30:00 +0000] )x"
            R"x("GET /api/./v1/items?page=2&q=a%20b HTTP/1.1" 200 1024 "-" "curl/8.0 \"test\"")x");
}

TEST(LogFormats, write_one_json_object_whatever_the_values) {
  FakeFacts facts = FakeFacts::sample();
  facts.set(Fact::path, Value::of(std::string_view("a\"b\\\n\xff\x01\xe2\x82\xac")));
  auto log = nlohmann::json::parse(render(kJsonFormat.source, kJsonFormat.escape, facts));
  EXPECT_EQ(log["method"], "GET");
  EXPECT_EQ(log["status"], 200);
  EXPECT_EQ(log["duration_ms"], 12.345);
  EXPECT_TRUE(log["upstream_response_ms"].is_null());
  EXPECT_EQ(log["user_agent"], "curl/8.0 \"test\"");
  EXPECT_EQ(log["path"], "a\"b\\\n\xc3\xbf\x01\xe2\x82\xac");
  EXPECT_NO_THROW(
      (void)nlohmann::json::parse(render(kJsonFormat.source, kJsonFormat.escape, FakeFacts())));
}

TEST(LogFormats, are_chosen_by_name_or_written_by_the_user) {
  EXPECT_EQ(log_format("json").escape, Escape::json);
  EXPECT_EQ(log_format("combined").source, kCombinedFormat.source);
  EXPECT_EQ(log_format("${path}").source, "${path}");
  EXPECT_EQ(log_format("${path}").escape, Escape::log);
  EXPECT_EQ(log_format("{\"path\":\"${path}\"}").escape, Escape::json);
}

TEST(Times, follow_the_calendar) {
  auto rfc3339 = [](std::int64_t seconds) {
    std::string out;
    Sink sink(out);
    put_rfc3339(sink, seconds * 1'000'000'000);
    return out;
  };
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(951827696), "2000-02-29T12:34:56.000Z");
  EXPECT_EQ(rfc3339(951868800), "2000-03-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(1709251199), "2024-02-29T23:59:59.000Z");
  EXPECT_EQ(rfc3339(4107542400), "2100-03-01T00:00:00.000Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.000Z");
  EXPECT_EQ(rfc3339(1798761599), "2026-12-31T23:59:59.000Z");
}

}  // namespace
}  // namespace weir::expression

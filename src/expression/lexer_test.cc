#include "expression/lexer.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace weir::expression {
namespace {

using Kind = Token::Kind;

std::vector<Token> all(std::string_view source) {
  Lexer lexer(source);
  std::vector<Token> tokens;
  do {
    tokens.push_back(lexer.next());
  } while (tokens.back().kind != Kind::end && tokens.size() < 100);
  return tokens;
}

Token first(std::string_view source) { return all(source).front(); }

TEST(Lexer, cuts_words_symbols_and_literals) {
  std::string_view source = "a.b-c >= 12 and(x!=\"t\")\n\t or 5ms";
  std::vector<std::pair<Kind, std::string_view>> expected = {
      {Kind::word, "a.b-c"}, {Kind::symbol, ">="}, {Kind::number, "12"},    {Kind::word, "and"},
      {Kind::symbol, "("},   {Kind::word, "x"},    {Kind::symbol, "!="},    {Kind::text, "\"t\""},
      {Kind::symbol, ")"},   {Kind::word, "or"},   {Kind::duration, "5ms"}, {Kind::end, ""}};
  std::vector<Token> tokens = all(source);
  ASSERT_EQ(tokens.size(), expected.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(tokens[i].kind, expected[i].first) << i;
    EXPECT_EQ(tokens[i].text, expected[i].second) << i;
    if (tokens[i].kind != Kind::end) {
      EXPECT_EQ(source.substr(tokens[i].offset, tokens[i].text.size()), tokens[i].text);
    }
  }
  EXPECT_EQ(tokens.back().offset, source.size());
}

TEST(Lexer, stays_at_the_end) {
  Lexer lexer("  ");
  EXPECT_EQ(lexer.next().kind, Kind::end);
  EXPECT_EQ(lexer.next().kind, Kind::end);
}

TEST(Lexer, takes_the_longest_symbol) {
  for (std::string_view symbol : {"==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", "}"}) {
    EXPECT_EQ(first(symbol).kind, Kind::symbol) << symbol;
    EXPECT_EQ(first(symbol).text, symbol);
  }
  EXPECT_EQ(first("<==").text, "<=");
}

TEST(Lexer, reads_text_with_two_escapes_and_no_others) {
  EXPECT_EQ(first(R"("a\"b")").value, "a\"b");
  EXPECT_EQ(first(R"("a\\b")").value, "a\\b");
  EXPECT_EQ(first(R"("\d\.\n")").value, "\\d\\.\\n");
  EXPECT_EQ(first(R"("\\")").value, "\\");
  EXPECT_EQ(first("\"\xc3\xa9\"").value, "\xc3\xa9");
  EXPECT_EQ(first("\"\"").value, "");
}

TEST(Lexer, refuses_text_that_does_not_end_on_its_line) {
  for (std::string_view source : {"\"a", "\"", "\"a\\\"", "\"a\nb\"", "\"a\tb\"", "\"\x7f\""}) {
    EXPECT_EQ(first(source).kind, Kind::invalid) << source;
  }
}

TEST(Lexer, reads_numbers_up_to_the_largest) {
  EXPECT_EQ(first("0").number, 0);
  EXPECT_EQ(first("-1").number, -1);
  EXPECT_EQ(first("9223372036854775807").number, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(first("9223372036854775808").kind, Kind::invalid);
  EXPECT_EQ(first("-").kind, Kind::invalid);
}

TEST(Lexer, reads_durations_in_nanoseconds) {
  EXPECT_EQ(first("3us").number, 3'000);
  EXPECT_EQ(first("3ms").number, 3'000'000);
  EXPECT_EQ(first("3s").number, 3'000'000'000);
  EXPECT_EQ(first("3m").number, 180'000'000'000);
  EXPECT_EQ(first("1h").number, 3'600'000'000'000);
  EXPECT_EQ(first("2562047h").kind, Kind::duration);
  EXPECT_EQ(first("2562048h").kind, Kind::invalid) << "63 bits of nanoseconds";
  for (std::string_view odd : {"3d", "3 kb", "3.5s", "10.0.0.1", "3S"}) {
    Token token = first(odd);
    EXPECT_EQ(token.kind == Kind::invalid, odd != "3 kb") << odd;
  }
}

TEST(Lexer, reads_fields_with_odd_names) {
  Token field = first("query.\"a b\" == 1");
  EXPECT_EQ(field.kind, Kind::field);
  EXPECT_EQ(field.text, "query.");
  EXPECT_EQ(field.value, "a b");
  EXPECT_EQ(first("query \"a\"").kind, Kind::word) << "only behind a dot";
  EXPECT_EQ(first("query.\"a").kind, Kind::invalid);
}

TEST(Lexer, reads_an_address_only_where_one_is_expected) {
  Lexer lexer("x [fd00::/8,10.0.0.1]");
  EXPECT_EQ(lexer.address(3).text, "fd00::/8");
  EXPECT_EQ(lexer.next().text, ",");
  EXPECT_EQ(lexer.address(12).text, "10.0.0.1");
  EXPECT_EQ(lexer.next().text, "]");
  EXPECT_EQ(lexer.next().kind, Kind::end);
}

TEST(Lexer, says_what_to_write_for_operators_of_other_languages) {
  for (auto [source, help] : {std::pair{"&& a", "write and"},
                              {"|| a", "write or"},
                              {"! a", "write not"},
                              {"= a", "write =="},
                              {"~ a", "write matches"},
                              {"'a'", "write \"...\""}}) {
    EXPECT_EQ(first(source).kind, Kind::invalid) << source;
    EXPECT_EQ(first(source).help, help);
  }
}

TEST(Lexer, goes_on_behind_every_byte) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string source = std::string(1, static_cast<char>(byte)) + " a";
    std::vector<Token> tokens = all(source);
    EXPECT_EQ(tokens.back().kind, Kind::end) << byte;
    EXPECT_LE(tokens.size(), 4u) << byte;
  }
}

}  // namespace
}  // namespace weir::expression

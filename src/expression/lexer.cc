#include "expression/lexer.h"

#include <fmt/format.h>

#include <charconv>

namespace weir::expression {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr Unit kUnits[] = {{"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"m", 60'000'000'000},
                           {"h", 3'600'000'000'000}};

}  // namespace

Token Lexer::next() {
  while (at_ < source_.size() && is_space(source_[at_])) ++at_;
  Token token{.offset = at_};
  if (at_ == source_.size()) return token;
  char c = source_[at_];
  if (c == '"') return quoted(std::move(token));
  if (is_digit(c) || (c == '-' && at_ + 1 < source_.size() && is_digit(source_[at_ + 1]))) {
    return number(std::move(token));
  }
  if (is_letter(c)) return word(std::move(token));
  return symbol(std::move(token));
}

Token Lexer::address(std::size_t offset) {
  at_ = offset;
  Token token{.offset = offset};
  while (at_ < source_.size() && !is_space(source_[at_]) &&
         std::string_view(",])}").find(source_[at_]) == std::string_view::npos) {
    ++at_;
  }
  return finish(std::move(token), Token::Kind::word);
}

Token Lexer::finish(Token token, Token::Kind kind) {
  token.kind = kind;
  token.text = source_.substr(token.offset, at_ - token.offset);
  return token;
}

Token Lexer::invalid(Token token, std::string message, std::string help) {
  if (at_ == token.offset) ++at_;
  token = finish(std::move(token), Token::Kind::invalid);
  token.value = std::move(message);
  token.help = std::move(help);
  return token;
}

/// At the opening quote. `\"` and `\\` are escapes, other backslashes stand for themselves, as
/// regular expressions like it. Text is one line of visible characters and spaces.
bool Lexer::read_quoted(std::string& value) {
  for (++at_; at_ < source_.size(); ++at_) {
    char c = source_[at_];
    if (c == '"') {
      ++at_;
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
    bool escape = c == '\\' && at_ + 1 < source_.size() &&
                  (source_[at_ + 1] == '"' || source_[at_ + 1] == '\\');
    value += escape ? source_[++at_] : c;
  }
  return false;
}

Token Lexer::quoted(Token token) {
  std::string value;
  if (!read_quoted(value)) return invalid(std::move(token), "this text has no closing quote");
  token.value = std::move(value);
  return finish(std::move(token), Token::Kind::text);
}

Token Lexer::number(Token token) {
  const char* first = source_.data() + at_;
  auto [last, error] = std::from_chars(first, source_.data() + source_.size(), token.number);
  at_ += static_cast<std::size_t>(last - first);
  std::size_t unit_start = at_;
  while (at_ < source_.size() &&
         (is_word(source_[at_]) || source_[at_] == '/' || source_[at_] == ':')) {
    ++at_;
  }
  std::string_view unit = source_.substr(unit_start, at_ - unit_start);
  if (error != std::errc()) return invalid(std::move(token), "this number is too large");
  if (unit.empty()) return finish(std::move(token), Token::Kind::number);
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    if (__builtin_mul_overflow(token.number, known.nanoseconds, &token.number)) {
      return invalid(std::move(token), "this duration is too long");
    }
    return finish(std::move(token), Token::Kind::duration);
  }
  std::string written(source_.substr(token.offset, at_ - token.offset));
  return invalid(std::move(token),
                 fmt::format("\"{}\" is neither a number nor a duration", written),
                 "units of durations are us, ms, s, m and h; an address stands after client_ip "
                 "and == or in");
}

Token Lexer::word(Token token) {
  while (at_ < source_.size() && is_word(source_[at_])) ++at_;
  bool named = source_[at_ - 1] == '.' && at_ < source_.size() && source_[at_] == '"';
  if (!named) return finish(std::move(token), Token::Kind::word);
  std::size_t dot = at_;
  std::string value;
  if (!read_quoted(value)) return invalid(std::move(token), "this name has no closing quote");
  token.value = std::move(value);
  token = finish(std::move(token), Token::Kind::field);
  token.text = source_.substr(token.offset, dot - token.offset);
  return token;
}

Token Lexer::symbol(Token token) {
  for (std::string_view two : {"==", "!=", "<=", ">="}) {
    if (!rest().starts_with(two)) continue;
    at_ += 2;
    return finish(std::move(token), Token::Kind::symbol);
  }
  char c = source_[at_];
  if (std::string_view("<>()[],}").find(c) != std::string_view::npos) {
    ++at_;
    return finish(std::move(token), Token::Kind::symbol);
  }
  if (rest().starts_with("&&"))
    return invalid(std::move(token), "\"&&\" is no operator", "write and");
  if (rest().starts_with("||"))
    return invalid(std::move(token), "\"||\" is no operator", "write or");
  if (c == '!') return invalid(std::move(token), "\"!\" is no operator", "write not");
  if (c == '=') return invalid(std::move(token), "\"=\" is no operator", "write ==");
  if (c == '~') return invalid(std::move(token), "\"~\" is no operator", "write matches");
  if (c == '\'') {
    return invalid(std::move(token), "text stands in double quotes", "write \"...\"");
  }
  return invalid(std::move(token), "this character has no meaning here");
}

}  // namespace weir::expression

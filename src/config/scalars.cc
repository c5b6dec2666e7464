// The plain types: booleans, texts, numbers, and the words of enumerations.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

#include "config/schema.h"
#include "config/suggest.h"

namespace weir::config {
namespace {

using Refused = std::optional<Problem>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

Problem problem(Code code, std::string message, std::string help = {}) {
  return {code, std::move(message), std::move(help)};
}

// ---- booleans and texts -----------------------------------------------------------------------

Refused read_boolean(ScalarText text, const Rules&, void* into) {
  const bool yes = text.text == "true";
  if (text.plain && (yes || text.text == "false")) {
    *static_cast<bool*>(into) = yes;
    return std::nullopt;
  }
  std::string folded(text.text);
  std::transform(folded.begin(), folded.end(), folded.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::string help = "write true or false";
  for (std::string_view word : {"true", "yes", "on", "1", "y"}) {
    if (folded == word) help = "write true";
  }
  for (std::string_view word : {"false", "no", "off", "0", "n"}) {
    if (folded == word) help = "write false";
  }
  if (!text.plain && help != "write true or false") help += ", without quotes";
  return problem(Code::bad_boolean, fmt::format("\"{}\" is not true or false", text.text), help);
}

Refused read_text(ScalarText text, const Rules&, void* into) {
  *static_cast<std::string*>(into) = text.text;
  return std::nullopt;
}

constexpr ScalarType kBoolean{.noun = "true or false",
                              .json_type = "boolean",
                              .pattern = {},
                              .read = &read_boolean,
                              .write = [](const void* v) -> std::string {
                                return *static_cast<const bool*>(v) ? "true" : "false";
                              }};

constexpr ScalarType kText{
    .noun = "a text",
    .json_type = "string",
    .pattern = {},
    .read = &read_text,
    .write = [](const void* v) { return *static_cast<const std::string*>(v); }};

// ---- numbers ----------------------------------------------------------------------------------

// Why this is no whole number, with the number that was probably meant.
Problem explain_integer(std::string_view text, bool plain) {
  std::string_view digits = text;
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  const std::string message = fmt::format("\"{}\" is not a whole number", text);
  if (!plain && all_digits(digits)) {
    return problem(Code::bad_integer, fmt::format("\"{}\" in quotes is a text", text),
                   fmt::format("write {} without quotes", text));
  }
  if (text.starts_with('+') && all_digits(digits)) {
    return problem(Code::bad_integer, message, fmt::format("write {}", digits));
  }
  if (digits.size() > 1 && digits[0] == '0' && all_digits(digits)) {
    const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
    return problem(Code::bad_integer,
                   fmt::format("\"{}\" begins with 0, which some read as octal", text),
                   fmt::format("write {} as a decimal number", digits.substr(first)));
  }
  for (const auto& [prefix, base] : {std::pair("0x", 16), {"0X", 16}, {"0o", 8}, {"0b", 2}}) {
    if (!digits.starts_with(prefix)) continue;
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data() + 2, end, value, base);
    const bool whole = read.ec == std::errc{} && read.ptr == end;
    return problem(Code::bad_integer, message,
                   whole ? fmt::format("write {}", value) : "write it as a decimal number");
  }
  const bool grouped = std::all_of(digits.begin(), digits.end(), [](char c) {
    return is_digit(c) || c == '_' || c == ',' || c == '\'';
  });
  if (grouped && !digits.empty() && is_digit(digits[0])) {
    std::string joined;
    std::copy_if(digits.begin(), digits.end(), std::back_inserter(joined), is_digit);
    return problem(Code::bad_integer, message, fmt::format("write {}", joined));
  }
  if (digits.starts_with(".") || (!digits.empty() && is_digit(digits[0]))) {
    return problem(Code::bad_integer, message, "write decimal digits only, without a unit");
  }
  return problem(Code::bad_integer, message);
}

std::string write_whole(double value) { return fmt::format("{:.0f}", value); }

// The parts that all integer types share. The value is sign and magnitude.
Refused read_integer(ScalarText text, const Rules& rules, const ScalarType& type, bool& negative,
                     std::uint64_t& size) {
  std::string_view digits = text.text;
  negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  const bool leading_zero = digits.size() > 1 && digits[0] == '0';
  if (!text.plain || !all_digits(digits) || leading_zero) {
    return explain_integer(text.text, text.plain);
  }
  const bool fits =
      std::from_chars(digits.data(), digits.data() + digits.size(), size).ec == std::errc{};
  const double value =
      fits ? (negative ? -1.0 : 1.0) * static_cast<double>(size) : (negative ? -1.0 : 1.0) * 1e20;
  const double low = std::max(rules.min, type.lowest);
  const double high = std::min(rules.max, type.highest);
  if (fits && value >= low && value <= high) return std::nullopt;
  return problem(Code::out_of_range,
                 fmt::format("{} is {}", text.text, value < low ? "too small" : "too large"),
                 fmt::format("between {} and {}", write_whole(low), write_whole(high)));
}

template <class T>
extern const ScalarType kInteger;

template <class T>
Refused read_integer_as(ScalarText text, const Rules& rules, void* into) {
  bool negative = false;
  std::uint64_t size = 0;
  auto refused = read_integer(text, rules, kInteger<T>, negative, size);
  if (!refused) *static_cast<T*>(into) = static_cast<T>(negative ? 0 - size : size);
  return refused;
}

// A whole double above the type's highest value is not exact for 64 bits; 2^53 is enough for all.
template <class T>
constexpr double kHighest =
    sizeof(T) == 8 ? 9007199254740992.0 : static_cast<double>(std::numeric_limits<T>::max());

template <class T>
constexpr ScalarType kInteger{
    .noun = "a whole number",
    .json_type = "integer",
    .pattern = {},
    .read = &read_integer_as<T>,
    .write = [](const void* v) { return fmt::format("{}", *static_cast<const T*>(v)); },
    .measure = [](const void* v) { return static_cast<double>(*static_cast<const T*>(v)); },
    .write_measure = &write_whole,
    .lowest = static_cast<double>(std::numeric_limits<T>::min()),
    .highest = kHighest<T>};

std::string write_number(double value) { return fmt::format("{}", value); }

Refused read_number(ScalarText text, const Rules&, void* into) {
  double value = 0;
  const char* end = text.text.data() + text.text.size();
  const bool starts_well = !text.text.empty() && (is_digit(text.text[0]) || text.text[0] == '-');
  const auto result = std::from_chars(text.text.data(), end, value);
  if (!text.plain || !starts_well || result.ec != std::errc{} || result.ptr != end ||
      !std::isfinite(value)) {
    return problem(Code::bad_number, fmt::format("\"{}\" is not a number", text.text),
                   text.plain ? "write it like 0.5" : "write it without quotes");
  }
  *static_cast<double*>(into) = value;
  return std::nullopt;
}

constexpr ScalarType kNumber{
    .noun = "a number",
    .json_type = "number",
    .pattern = {},
    .read = &read_number,
    .write = [](const void* v) { return write_number(*static_cast<const double*>(v)); },
    .measure = [](const void* v) { return *static_cast<const double*>(v); },
    .write_measure = &write_number};

}  // namespace

Refused read_word(ScalarText text, std::span<const std::string_view> words, std::size_t& index) {
  const auto found = std::find(words.begin(), words.end(), text.text);
  index = static_cast<std::size_t>(found - words.begin());
  if (found != words.end()) return std::nullopt;
  return problem(Code::bad_word,
                 fmt::format("\"{}\" is not one of {}", text.text, fmt::join(words, ", ")),
                 [&]() -> std::string {
                   const std::string_view match = closest(text.text, words);
                   return match.empty() ? "" : fmt::format("did you mean \"{}\"?", match);
                 }());
}

constinit const Type TypeOf<bool>::value{.kind = Kind::scalar, .scalar = &kBoolean};
constinit const Type TypeOf<double>::value{.kind = Kind::scalar, .scalar = &kNumber};
constinit const Type TypeOf<std::string>::value{.kind = Kind::scalar, .scalar = &kText};
constinit const Type TypeOf<Module>::value{.kind = Kind::module};

template <class T>
  requires std::is_integral_v<T>
constinit const Type TypeOf<T>::value{.kind = Kind::scalar, .scalar = &kInteger<T>};
template struct TypeOf<int>;
template struct TypeOf<std::uint16_t>;
template struct TypeOf<std::uint32_t>;
template struct TypeOf<std::uint64_t>;

}  // namespace weir::config

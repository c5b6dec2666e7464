#include "config/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "config/suggest.h"

namespace weir::config {
namespace {

using Refused = std::optional<Problem>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::size_t leading_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                  text.begin());
}

// False on overflow. The text is nothing but digits.
bool read_digits(std::string_view digits, std::uint64_t& into) {
  return std::from_chars(digits.data(), digits.data() + digits.size(), into).ec == std::errc{};
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
  const bool fits = read_digits(digits, size);
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

// ---- units ------------------------------------------------------------------------------------

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

// Largest first: written values use the first that divides them.
constexpr Unit kTimeUnits[] = {{"d", 86'400'000'000'000},
                               {"h", 3'600'000'000'000},
                               {"m", 60'000'000'000},
                               {"s", 1'000'000'000},
                               {"ms", 1'000'000},
                               {"us", 1'000},
                               {"ns", 1}};

constexpr Unit kSizeUnits[] = {{"TiB", 1ull << 40},
                               {"TB", 1'000'000'000'000},
                               {"GiB", 1ull << 30},
                               {"GB", 1'000'000'000},
                               {"MiB", 1ull << 20},
                               {"MB", 1'000'000},
                               {"KiB", 1ull << 10},
                               {"KB", 1'000},
                               {"B", 1}};

struct Spelling {
  std::string_view wrong, right;
};

constexpr Spelling kTimeSpellings[] = {
    {"sec", "s"}, {"secs", "s"},  {"second", "s"}, {"seconds", "s"}, {"S", "s"},
    {"min", "m"}, {"mins", "m"},  {"minute", "m"}, {"minutes", "m"}, {"M", "m"},
    {"hr", "h"},  {"hrs", "h"},   {"hour", "h"},   {"hours", "h"},   {"H", "h"},
    {"day", "d"}, {"days", "d"},  {"D", "d"},      {"msec", "ms"},   {"msecs", "ms"},
    {"MS", "ms"}, {"usec", "us"}, {"nsec", "ns"},  {"millis", "ms"}, {"micros", "us"}};

constexpr Spelling kSizeSpellings[] = {
    {"b", "B"},   {"bytes", "B"}, {"byte", "B"},  {"k", "KiB"},   {"K", "KiB"},   {"kb", "KB"},
    {"Kb", "KB"}, {"kB", "KB"},   {"kib", "KiB"}, {"Ki", "KiB"},  {"kiB", "KiB"}, {"m", "MiB"},
    {"M", "MiB"}, {"mb", "MB"},   {"Mb", "MB"},   {"mib", "MiB"}, {"Mi", "MiB"},  {"g", "GiB"},
    {"G", "GiB"}, {"gb", "GB"},   {"Gb", "GB"},   {"gib", "GiB"}, {"Gi", "GiB"},  {"T", "TiB"},
    {"t", "TiB"}, {"tb", "TB"},   {"tib", "TiB"}, {"Ti", "TiB"}};

template <std::size_t kSize>
const Unit* find_unit(const Unit (&units)[kSize], std::string_view name) {
  const Unit* found = std::find_if(std::begin(units), std::end(units),
                                   [&](const Unit& unit) { return unit.name == name; });
  return found == std::end(units) ? nullptr : found;
}

template <std::size_t kSize>
std::string_view right_unit(const Spelling (&spellings)[kSize], std::string_view name) {
  for (const Spelling& spelling : spellings) {
    if (spelling.wrong == name) return spelling.right;
  }
  return {};
}

// "1.5s" becomes "1500ms": the same quantity in the next smaller unit that makes it whole.
template <std::size_t kSize>
std::string without_point(const Unit (&units)[kSize], std::string_view text) {
  const std::size_t whole = leading_digits(text);
  if (whole == 0 || whole >= text.size() || text[whole] != '.') return {};
  const std::size_t decimals = leading_digits(text.substr(whole + 1));
  const std::string_view name = text.substr(whole + 1 + decimals);
  const Unit* unit = find_unit(units, name);
  double value = 0;
  if (unit == nullptr ||
      std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) {
    return {};
  }
  for (const Unit& smaller : units) {
    if (smaller.size > unit->size) continue;
    const double scaled =
        value * static_cast<double>(unit->size) / static_cast<double>(smaller.size);
    if (scaled >= 1 && scaled < 1e15 && scaled == std::floor(scaled)) {
      return fmt::format("write {:.0f}{}", scaled, smaller.name);
    }
  }
  return {};
}

// What the text probably meant, or the general form.
template <std::size_t kUnits, std::size_t kSpellings>
std::string unit_help(const Unit (&units)[kUnits], const Spelling (&spellings)[kSpellings],
                      std::string_view text, std::string_view general) {
  if (std::string help = without_point(units, text); !help.empty()) return help;
  const std::size_t digits = leading_digits(text);
  if (digits == 0) return std::string(general);
  std::string_view name = text.substr(digits);
  const bool spaced = name.starts_with(' ');
  while (name.starts_with(' ')) name.remove_prefix(1);
  const std::string_view right =
      spaced && find_unit(units, name) != nullptr ? name : right_unit(spellings, name);
  if (right.empty()) return std::string(general);
  return fmt::format("write {}{}", text.substr(0, digits), right);
}

template <std::size_t kUnits>
std::string write_units(const Unit (&units)[kUnits], std::uint64_t value,
                        std::string_view smallest) {
  if (value == 0) return fmt::format("0{}", smallest);
  for (const Unit& unit : units) {
    if (value % unit.size == 0) return fmt::format("{}{}", value / unit.size, unit.name);
  }
  return {};
}

constexpr std::string_view kDurationHelp =
    "write a whole number with a unit (ns us ms s m h d), such as 30s or 1h30m";
constexpr std::string_view kSizeHelp =
    "write a whole number with a unit (B KB KiB MB MiB GB GiB TB TiB), such as 64KiB";
constexpr std::string_view kRateHelp = "write a whole number per s, m, h or d, such as 100/s";

// A count of one unit; an error that is common to durations and sizes has its text made here.
bool scale(std::string_view digits, std::uint64_t unit, std::uint64_t limit, std::uint64_t& into) {
  std::uint64_t count = 0;
  if (!read_digits(digits, count) || count > limit / unit) return false;
  into = count * unit;
  return true;
}

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

Refused read_duration(std::string_view text, Duration& into) {
  constexpr auto kLimit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (all_digits(text)) {
    return problem(Code::bad_duration, fmt::format("\"{}\" lacks a unit of time", text),
                   fmt::format("write {0}s for seconds, or {0}ms for milliseconds", text));
  }
  std::uint64_t total = 0;
  std::uint64_t previous = std::numeric_limits<std::uint64_t>::max();
  std::string_view rest = text;
  do {
    const std::size_t digits = leading_digits(rest);
    std::size_t letters = digits;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const Unit* unit = find_unit(kTimeUnits, rest.substr(digits, letters - digits));
    if (digits == 0 || unit == nullptr || unit->size >= previous) {
      return problem(Code::bad_duration, fmt::format("\"{}\" is not a duration", text),
                     unit_help(kTimeUnits, kTimeSpellings, text, kDurationHelp));
    }
    std::uint64_t part = 0;
    if (!scale(rest.substr(0, digits), unit->size, kLimit - total, part)) {
      return problem(Code::out_of_range, fmt::format("\"{}\" is too long", text),
                     "durations reach up to 106751d");
    }
    total += part;
    previous = unit->size;
    rest.remove_prefix(letters);
  } while (!rest.empty());
  into = Duration(static_cast<std::int64_t>(total));
  return std::nullopt;
}

Refused read_byte_size(std::string_view text, ByteSize& into) {
  if (all_digits(text)) {
    return problem(Code::bad_size, fmt::format("\"{}\" lacks a unit of size", text),
                   fmt::format("write {0}B for bytes, or {0}KiB", text));
  }
  const std::size_t digits = leading_digits(text);
  const Unit* unit = find_unit(kSizeUnits, text.substr(digits));
  if (digits == 0 || unit == nullptr) {
    return problem(Code::bad_size, fmt::format("\"{}\" is not a size", text),
                   unit_help(kSizeUnits, kSizeSpellings, text, kSizeHelp));
  }
  // 2^53 bytes: exact in a double, so that ranges compare exactly.
  if (!scale(text.substr(0, digits), unit->size, 1ull << 53, into.bytes)) {
    return problem(Code::out_of_range, fmt::format("\"{}\" is too large", text),
                   "sizes reach up to 8192TiB");
  }
  return std::nullopt;
}

Refused read_rate(std::string_view text, Rate& into) {
  const std::size_t digits = leading_digits(text);
  std::string_view rest = text.substr(digits);
  if (digits > 0 && rest.empty()) {
    return problem(Code::bad_rate, fmt::format("\"{}\" does not say per what time", text),
                   fmt::format("write {}/s for each second", text));
  }
  const bool slash = rest.starts_with('/');
  if (slash) rest.remove_prefix(1);
  const Unit* unit = find_unit(kTimeUnits, rest);
  if (digits == 0 || !slash || unit == nullptr || unit->size < 1'000'000'000) {
    const std::string_view right = slash ? right_unit(kTimeSpellings, rest) : "";
    return problem(Code::bad_rate, fmt::format("\"{}\" is not a rate", text),
                   right.empty() || digits == 0
                       ? std::string(kRateHelp)
                       : fmt::format("write {}/{}", text.substr(0, digits), right));
  }
  if (!scale(text.substr(0, digits), 1, 1ull << 53, into.count)) {
    return problem(Code::out_of_range, fmt::format("\"{}\" is too large", text));
  }
  into.per = Duration(static_cast<std::int64_t>(unit->size));
  return std::nullopt;
}

std::string write_duration(Duration value) {
  return write_units(kTimeUnits,
                     static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0)), "s");
}

std::string write_byte_size(ByteSize value) { return write_units(kSizeUnits, value.bytes, "B"); }

std::string write_rate(Rate value) {
  const auto per = static_cast<std::uint64_t>(value.per.count());
  for (const Unit& unit : kTimeUnits) {
    if (unit.size == per) return fmt::format("{}/{}", value.count, unit.name);
  }
  return fmt::format("{}/s", value.count);
}

namespace {

constexpr ScalarType kDuration{
    .noun = "a duration",
    .json_type = "string",
    .pattern = "^([0-9]+(ns|us|ms|s|m|h|d))+$",
    .read = [](ScalarText text, const Rules&,
               void* into) { return read_duration(text.text, *static_cast<Duration*>(into)); },
    .write = [](const void* v) { return write_duration(*static_cast<const Duration*>(v)); },
    .measure = [](const void* v) { return magnitude(*static_cast<const Duration*>(v)); },
    .write_measure =
        [](double v) { return write_duration(Duration(static_cast<std::int64_t>(v))); },
    .lowest = 0};

constexpr ScalarType kByteSize{
    .noun = "a size",
    .json_type = "string",
    .pattern = "^[0-9]+(B|KB|KiB|MB|MiB|GB|GiB|TB|TiB)$",
    .read = [](ScalarText text, const Rules&,
               void* into) { return read_byte_size(text.text, *static_cast<ByteSize*>(into)); },
    .write = [](const void* v) { return write_byte_size(*static_cast<const ByteSize*>(v)); },
    .measure = [](const void* v) { return magnitude(*static_cast<const ByteSize*>(v)); },
    .write_measure = [](double v) { return write_byte_size({static_cast<std::uint64_t>(v)}); },
    .lowest = 0};

constexpr ScalarType kRate{
    .noun = "a rate",
    .json_type = "string",
    .pattern = "^[0-9]+/[smhd]$",
    .read = [](ScalarText text, const Rules&,
               void* into) { return read_rate(text.text, *static_cast<Rate*>(into)); },
    .write = [](const void* v) { return write_rate(*static_cast<const Rate*>(v)); }};

}  // namespace

constinit const Type TypeOf<bool>::value{.kind = Kind::scalar, .scalar = &kBoolean};
constinit const Type TypeOf<double>::value{.kind = Kind::scalar, .scalar = &kNumber};
constinit const Type TypeOf<std::string>::value{.kind = Kind::scalar, .scalar = &kText};
constinit const Type TypeOf<Module>::value{.kind = Kind::module};
constinit const Type TypeOf<Duration>::value{.kind = Kind::scalar, .scalar = &kDuration};
constinit const Type TypeOf<ByteSize>::value{.kind = Kind::scalar, .scalar = &kByteSize};
constinit const Type TypeOf<Rate>::value{.kind = Kind::scalar, .scalar = &kRate};

template <class T>
  requires std::is_integral_v<T>
constinit const Type TypeOf<T>::value{.kind = Kind::scalar, .scalar = &kInteger<T>};
template struct TypeOf<int>;
template struct TypeOf<std::uint16_t>;
template struct TypeOf<std::uint32_t>;
template struct TypeOf<std::uint64_t>;

}  // namespace weir::config

#include "config/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

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

constinit const Type TypeOf<Duration>::value{.kind = Kind::scalar, .scalar = &kDuration};
constinit const Type TypeOf<ByteSize>::value{.kind = Kind::scalar, .scalar = &kByteSize};
constinit const Type TypeOf<Rate>::value{.kind = Kind::scalar, .scalar = &kRate};

}  // namespace weir::config

// What a field of a config struct demands beyond its type, and the words that say so in a table.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/codes.h"

namespace weir::config {

struct ModuleType;

// Why a text is refused; the reader adds the position.
struct Problem {
  Code code;
  std::string message;
  std::string help;
};

// The known entries of a collection, such as all handlers.
using ModuleSet = std::span<const ModuleType* const> (*)();
using TextCheck = std::optional<Problem> (*)(std::string_view text);

// What a field demands beyond its type. Set by the attributes below.
struct Rules {
  bool required = false;
  bool secret = false;
  bool at_least_one = false;
  bool one_or_many = false;
  bool not_empty = false;
  bool host_names = false;
  bool any_port = false;
  bool shorthand = false;
  bool chosen_by_key = false;
  bool file_path = false;
  std::span<const std::string_view> no_paths;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::span<const std::int64_t> allowed;
  std::string_view none_word;
  std::string_view example;
  TextCheck check = nullptr;
  TextCheck check_key = nullptr;
  ModuleSet modules = nullptr;
};

// The key must be given.
inline constexpr auto required = [](Rules& rules) { rules.required = true; };
// Never shown: dumps say "<redacted>", diagnostics blot it out.
inline constexpr auto secret = [](Rules& rules) { rules.secret = true; };
// A list or map with one entry or more.
inline constexpr auto at_least_one = [](Rules& rules) { rules.at_least_one = true; };
// A list that may be written as its only entry.
inline constexpr auto one_or_many = [](Rules& rules) { rules.one_or_many = true; };
// A text with one character or more.
inline constexpr auto not_empty = [](Rules& rules) { rules.not_empty = true; };
// An address may name a host (resolved by DNS) instead of an IP address.
inline constexpr auto host_names = [](Rules& rules) { rules.host_names = true; };
// An address may have port 0: the kernel chooses.
inline constexpr auto any_port = [](Rules& rules) { rules.any_port = true; };
// A text names a file: one that is not absolute stands beside the configuration file.
inline constexpr auto file_path = [](Rules& rules) { rules.file_path = true; };
// The same, apart from these words.
template <std::size_t kSize>
constexpr auto file_path_or(const std::string_view (&words)[kSize]) {
  return [&words](Rules& rules) {
    rules.file_path = true;
    rules.no_paths = words;
  };
}
// The object may be written as the value of this field alone. With several such fields the first
// whose type takes the value wins: numbers before texts.
inline constexpr auto shorthand = [](Rules& rules) { rules.shorthand = true; };

// What a number, duration or size is in comparisons: itself, nanoseconds, bytes.
template <class T>
constexpr double magnitude(const T& value) {
  if constexpr (requires { value.bytes; }) {
    return static_cast<double>(value.bytes);
  } else if constexpr (requires { value.count(); }) {
    using Period = typename T::period;
    return static_cast<double>(value.count()) * (1e9 * Period::num / Period::den);
  } else {
    return static_cast<double>(value);
  }
}

// Both ends belong to the range.
template <class Min, class Max>
constexpr auto range(Min min, Max max) {
  return [lo = magnitude(min), hi = magnitude(max)](Rules& rules) {
    rules.min = lo;
    rules.max = hi;
  };
}
template <class Min>
constexpr auto at_least(Min min) {
  return [lo = magnitude(min)](Rules& rules) { rules.min = lo; };
}

// Nothing but these numbers.
template <std::int64_t... kValues>
inline constexpr std::int64_t kAllowed[] = {kValues...};
template <std::int64_t... kValues>
constexpr auto one_of() {
  return [](Rules& rules) { rules.allowed = kAllowed<kValues...>; };
}

// The word that stands for the empty optional: `admin: off`, `workers: auto`.
constexpr auto none(std::string_view word) {
  return [word](Rules& rules) { rules.none_word = word; };
}
// A value for the reference, where the default alone does not show the form.
constexpr auto example(std::string_view text) {
  return [text](Rules& rules) { rules.example = text; };
}
// Further rules for texts (for every entry of a list or map of texts).
constexpr auto check(TextCheck function) {
  return [function](Rules& rules) { rules.check = function; };
}
// The same for the keys of a map.
constexpr auto check_key(TextCheck function) {
  return [function](Rules& rules) { rules.check_key = function; };
}
// For Module and std::vector<Module>: which modules there are. Entries are written as a name, or as
// a map with the name as its only key.
constexpr auto modules(ModuleSet set) {
  return [set](Rules& rules) { rules.modules = set; };
}
// For Module: the name is itself a key of the enclosing object, exactly one of the set.
constexpr auto chosen_by_key(ModuleSet set) {
  return [set](Rules& rules) {
    rules.modules = set;
    rules.chosen_by_key = true;
  };
}

}  // namespace weir::config

// How regular expressions over paths are compiled: one set of options for every place.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <string_view>

namespace weir {

inline constexpr std::int64_t kPathRegexBytes = std::int64_t{1} << 20;

inline re2::RE2::Options path_regex_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kPathRegexBytes);
  return options;
}

/// The whole path must match; linear in its length, no allocation once the automaton is warm.
inline bool path_matches(const re2::RE2& regex, std::string_view path) {
  re2::StringPiece text(path.data(), path.size());
  return regex.ok() && regex.Match(text, 0, path.size(), re2::RE2::ANCHOR_BOTH, nullptr, 0);
}

}  // namespace weir

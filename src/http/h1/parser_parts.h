// What the head parser needs that is the same for every instruction set: tests of a few bytes,
// and the naming of what is wrong.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/result.h"
#include "http/h1/engine.h"
#include "http/h1/head_parser.h"
#include "http/header_table.h"
#include "http/headers.h"
#include "http/method.h"
#include "http/syntax.h"

namespace weir::h1 {

/// Why a head is refused; code `none` with a null position means: incomplete.
struct Problem {
  ErrorCode code = ErrorCode::none;
  std::string_view detail;
};

inline std::size_t head_limit(const Limits& limits) {
  return std::min(limits.head_bytes, kMaxHead);
}

inline bool is_crlf(const char* p) { return p[0] == '\r' && p[1] == '\n'; }

inline bool is_lf_of_crlf(const char* p, const char* begin) {
  return *p == '\n' && p != begin && p[-1] == '\r';
}

/// Eight bytes: HTTP/1.0 or HTTP/1.1.
inline bool is_version(const char* p, std::uint8_t* minor) {
  if (std::memcmp(p, "HTTP/1.", 7) != 0) return false;
  *minor = static_cast<std::uint8_t>(p[7] - '0');
  return *minor <= 1;
}

inline const char* past_class(const char* p, const char* end, CharClass which) {
  while (p != end && has_class(*p, which)) ++p;
  return p;
}

// Each looks at the place where the fast path stopped and says what is wrong there; code
// `none` if nothing is, but bytes are missing.
Problem method_problem(const char* begin, const char* stop, const char* end);
Problem target_problem(const char* begin, const char* stop);
/// `text` starts where a version is expected, followed by `then`.
Problem version_problem(std::string_view text, std::string_view then);
Problem name_problem(const char* begin, const char* stop, const char* end);
Problem value_problem(const char* stop, const char* end);

/// The answer for a head that did not parse: the problem, a limit that the bytes so far exceed
/// already, or 0.
Result<std::size_t> unfinished(std::string_view bytes, std::size_t already_seen,
                               const Limits& limits, const Problem& problem, Origin origin);

}  // namespace weir::h1

#include "http/h1/parser_parts.h"

namespace weir::h1 {

Problem method_problem(const char* begin, const char* stop, const char* end) {
  if (stop - begin > static_cast<long>(kMaxMethod)) {
    return {ErrorCode::unsupported, "the method is too long"};
  }
  if (stop == end) return {};
  if (stop != begin) return {ErrorCode::parse, "malformed request line"};
  if (*stop == '\r' && end - stop == 1) return {};  // an empty line before the request, cut
  if (*stop == '\r' || *stop == '\n') return {ErrorCode::parse, "empty line instead of a request"};
  return {ErrorCode::parse, "the request does not start with a method"};
}

Problem target_problem(const char* begin, const char* stop) {
  if (*stop == '#') return {ErrorCode::parse, "a fragment in the request target"};
  if (stop == begin) return {ErrorCode::parse, "no request target"};
  if (*stop == '\r' || *stop == '\n') return {ErrorCode::parse, "no HTTP version"};
  return {ErrorCode::parse, "forbidden byte in the request target"};
}

Problem version_problem(std::string_view text, std::string_view then) {
  constexpr std::string_view kForm = "HTTP/d.d";
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (i == text.size()) return {};
    if (kForm[i] == 'd' ? !is_digit(text[i]) : text[i] != kForm[i]) {
      return {ErrorCode::parse, "malformed HTTP version"};
    }
  }
  std::string_view version = text.substr(0, kForm.size());
  text.remove_prefix(kForm.size());
  if (!text.starts_with(then) && !then.starts_with(text)) {
    return {ErrorCode::parse, "unexpected bytes after the HTTP version"};
  }
  if (version != "HTTP/1.0" && version != "HTTP/1.1") {
    return {ErrorCode::version_unsupported, "neither HTTP/1.0 nor HTTP/1.1"};
  }
  return {};
}

Problem name_problem(const char* begin, const char* stop, const char* end) {
  if (stop == end) return {};
  char c = *stop;
  if (stop != begin) {
    if (is_ows(c)) return {ErrorCode::parse, "space between field name and colon"};
    if (c == '\r' || c == '\n') return {ErrorCode::parse, "a field line without colon"};
    return {ErrorCode::parse, "forbidden byte in a field name"};
  }
  if (c == '\r' && end - stop == 1) return {};  // of the empty line
  if (c == '\r') return {ErrorCode::parse, "bare CR"};
  if (c == '\n') return {ErrorCode::parse, "bare LF"};
  if (c == ':') return {ErrorCode::parse, "empty field name"};
  if (is_ows(c)) return {ErrorCode::parse, "folded field line"};
  return {ErrorCode::parse, "forbidden byte in a field name"};
}

Problem value_problem(const char* stop, const char* end) {
  if (stop == end) return {};
  if (*stop == '\r' && end - stop == 1) return {};
  if (*stop == '\r') return {ErrorCode::parse, "bare CR"};
  if (*stop == '\n') return {ErrorCode::parse, "bare LF"};
  if (*stop == '\0') return {ErrorCode::parse, "NUL"};
  return {ErrorCode::parse, "control character in a field"};
}

Result<std::size_t> unfinished(std::string_view bytes, std::size_t already_seen,
                               const Limits& limits, const Problem& problem, Origin origin) {
  if (problem.code != ErrorCode::none) return fail(problem.code, origin, problem.detail);
  // The first line with its CRLF lies within `window` or is too long. Looked at once: when the
  // input grows beyond it.
  std::size_t start = origin == Origin::client && bytes.starts_with("\r\n") ? 2 : 0;
  std::size_t window = start + limits.line + 2;
  if (bytes.size() >= window && already_seen < window &&
      bytes.substr(start, limits.line + 2).find('\n') == std::string_view::npos) {
    return origin == Origin::client
               ? fail(ErrorCode::target_too_long, origin, "the request line is too long")
               : fail(ErrorCode::head_too_large, origin, "the status line is too long");
  }
  if (bytes.size() >= head_limit(limits)) {
    return fail(ErrorCode::head_too_large, origin, "the head is too large");
  }
  return std::size_t{0};
}

}  // namespace weir::h1

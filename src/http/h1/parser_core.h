// The head parser as templates over a scanner; instantiated once per instruction set. Every
// header this one needs is included before the region that switches the instruction set on, so
// that no inline function of theirs is compiled for it (engine_avx2.cc).
#pragma once

#include "http/h1/parser_parts.h"

namespace weir::h1 {

/// A scanner finds the ends of runs of characters. This one works over a vector type V: kWidth
/// bytes, load(p), and for each class the mask of the bytes outside of it. A vector may start
/// before `p` to cover a short tail, but not before `floor`; nothing at or after `end` is read.
template <class V>
struct VectorScanner {
  template <std::uint32_t (*stops)(typename V::Register)>
  [[gnu::always_inline]] static const char* past(const char* p, const char* end, const char* floor,
                                                 CharClass which) {
    while (end - p >= V::kWidth) {
      if (std::uint32_t mask = stops(V::load(p)); mask != 0) return p + std::countr_zero(mask);
      p += V::kWidth;
    }
    if (p == end) return end;
    if (end - floor < V::kWidth) return past_class(p, end, which);
    std::uint32_t mask = stops(V::load(end - V::kWidth)) >> (V::kWidth - (end - p));
    return mask != 0 ? p + std::countr_zero(mask) : end;
  }
  [[gnu::always_inline]] static const char* past_token(const char* p, const char* end,
                                                       const char* floor) {
    return past<V::token_stops>(p, end, floor, kTokenChar);
  }
  [[gnu::always_inline]] static const char* past_value(const char* p, const char* end,
                                                       const char* floor) {
    return past<V::value_stops>(p, end, floor, kValueChar);
  }
  [[gnu::always_inline]] static const char* past_target(const char* p, const char* end,
                                                        const char* floor) {
    return past<V::target_stops>(p, end, floor, kTargetChar);
  }
};

/// Each step returns where it stopped, or null: the input is incomplete, or `problem` is set.
template <class Scan>
struct Parser {
  static const char* request_line(const char* p, const char* end, const char* floor,
                                  const Limits& limits, RequestHead& head, Problem& problem) {
    const char* line = p;
    const char* q = Scan::past_token(p, end, floor);
    if (q == end || *q != ' ' || q == p || q - p > static_cast<long>(kMaxMethod)) [[unlikely]] {
      problem = method_problem(p, q, end);
      return nullptr;
    }
    head.method_text = {p, static_cast<std::size_t>(q - p)};
    head.method = parse_method(head.method_text);
    p = q + 1;
    q = Scan::past_target(p, end, floor);
    if (q == end) return nullptr;
    if (*q != ' ' || q == p) [[unlikely]] {
      problem = target_problem(p, q);
      return nullptr;
    }
    head.target = {p, static_cast<std::size_t>(q - p)};
    p = q + 1;
    if (end - p < 10 || !is_version(p, &head.minor_version) || !is_crlf(p + 8)) [[unlikely]] {
      problem = version_problem({p, static_cast<std::size_t>(end - p)}, "\r\n");
      return nullptr;
    }
    if (p + 8 - line > static_cast<long>(limits.line)) [[unlikely]] {
      problem = {ErrorCode::target_too_long, "the request line is too long"};
      return nullptr;
    }
    return p + 10;
  }

  static const char* status_line(const char* p, const char* end, const char* floor,
                                 const Limits& limits, ResponseHead& head, Problem& problem) {
    const char* line = p;
    if (end - p < 14 || !is_version(p, &head.minor_version) || p[8] != ' ') [[unlikely]] {
      problem = version_problem({p, static_cast<std::size_t>(end - p)}, " ");
      return nullptr;
    }
    p += 9;
    if (!is_digit(p[0]) || p[0] == '0' || !is_digit(p[1]) || !is_digit(p[2]) ||
        (p[3] != ' ' && p[3] != '\r')) [[unlikely]] {
      problem = {ErrorCode::parse, "malformed status code"};
      return nullptr;
    }
    head.status = static_cast<std::uint16_t>((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
    p += p[3] == ' ' ? 4 : 3;
    const char* q = Scan::past_value(p, end, floor);
    if (end - q < 2 || !is_crlf(q)) [[unlikely]] {
      problem = value_problem(q, end);
      return nullptr;
    }
    head.reason = {p, static_cast<std::size_t>(q - p)};
    if (q - line > static_cast<long>(limits.line)) [[unlikely]] {
      problem = {ErrorCode::head_too_large, "the status line is too long"};
      return nullptr;
    }
    return q + 2;
  }

  // Field lines up to the empty line; returns what is behind it.
  static const char* field_lines(const char* p, const char* end, const char* floor, unsigned room,
                                 Headers& headers, Problem& problem) {
    while (p != end) {
      const char* colon = Scan::past_token(p, end, floor);
      if (colon == end || *colon != ':' || colon == p) [[unlikely]] {
        if (end - p >= 2 && is_crlf(p)) return p + 2;
        problem = name_problem(p, colon, end);
        return nullptr;
      }
      const char* value = colon + 1;
      while (value != end && is_ows(*value)) ++value;
      const char* stop = Scan::past_value(value, end, floor);
      if (end - stop < 2 || !is_crlf(stop)) [[unlikely]] {
        problem = value_problem(stop, end);
        return nullptr;
      }
      if (room-- == 0) [[unlikely]] {
        problem = {ErrorCode::head_too_large, "too many fields"};
        return nullptr;
      }
      const char* last = stop;
      while (last != value && is_ows(last[-1])) --last;
      std::string_view name(p, static_cast<std::size_t>(colon - p));
      headers.add(name, {value, static_cast<std::size_t>(last - value)}, header_table::find(name));
      p = stop + 2;
    }
    return nullptr;
  }

  // Whether an empty line ends in [begin, end), given that none ended before `seen`.
  static bool complete(const char* begin, const char* end, std::size_t seen, Problem& problem) {
    const char* p = begin + (seen > 3 ? seen - 3 : 0);
    while (true) {
      p = Scan::past_value(p, end, begin);
      if (end - p < 2) {
        if (p != end && *p != '\r' && !is_lf_of_crlf(p, begin)) problem = value_problem(p, end);
        return false;
      }
      if (is_lf_of_crlf(p, begin)) {
        ++p;  // the scan began inside of a CRLF
        continue;
      }
      if (!is_crlf(p)) {
        problem = value_problem(p, end);
        return false;
      }
      p += 2;
      if (end - p >= 2 && is_crlf(p)) return true;
    }
  }

  static Result<std::size_t> request_head(std::string_view bytes, std::size_t already_seen,
                                          const Limits& limits, RequestHead& head,
                                          Headers& headers) {
    headers.clear();
    Problem problem;
    const char* begin = bytes.data();
    const char* end = begin + std::min<std::size_t>(bytes.size(), head_limit(limits));
    if (already_seen == 0 || complete(begin, end, already_seen, problem)) {
      const char* p = begin;
      if (end - p >= 2 && is_crlf(p)) p += 2;
      p = request_line(p, end, begin, limits, head, problem);
      if (p) p = field_lines(p, end, begin, limits.header_count, headers, problem);
      if (p) [[likely]]
        return static_cast<std::size_t>(p - begin);
    }
    return unfinished(bytes, already_seen, limits, problem, Origin::client);
  }

  static Result<std::size_t> response_head(std::string_view bytes, std::size_t already_seen,
                                           const Limits& limits, ResponseHead& head,
                                           Headers& headers) {
    headers.clear();
    Problem problem;
    const char* begin = bytes.data();
    const char* end = begin + std::min<std::size_t>(bytes.size(), head_limit(limits));
    if (already_seen == 0 || complete(begin, end, already_seen, problem)) {
      const char* p = status_line(begin, end, begin, limits, head, problem);
      if (p) p = field_lines(p, end, begin, limits.header_count, headers, problem);
      if (p) [[likely]]
        return static_cast<std::size_t>(p - begin);
    }
    return unfinished(bytes, already_seen, limits, problem, Origin::upstream);
  }

  static Result<std::size_t> fields(std::string_view bytes, const Limits& limits, Origin origin,
                                    Headers& headers) {
    headers.clear();
    Problem problem;
    const char* begin = bytes.data();
    const char* end = begin + std::min<std::size_t>(bytes.size(), head_limit(limits));
    const char* p = field_lines(begin, end, begin, limits.header_count, headers, problem);
    if (p) return static_cast<std::size_t>(p - begin);
    if (problem.code != ErrorCode::none) return fail(problem.code, origin, problem.detail);
    if (bytes.size() >= head_limit(limits)) {
      return fail(ErrorCode::head_too_large, origin, "the trailer section is too large");
    }
    return std::size_t{0};
  }

  static Result<bool> holds_empty_line(std::string_view bytes, std::size_t already_seen,
                                       Origin origin) {
    Problem problem;
    bool found = complete(bytes.data(), bytes.data() + bytes.size(), already_seen, problem);
    if (problem.code != ErrorCode::none) return fail(problem.code, origin, problem.detail);
    return found;
  }

  template <auto past>
  static std::size_t prefix(std::string_view text) {
    const char* begin = text.data();
    return static_cast<std::size_t>(past(begin, begin + text.size(), begin) - begin);
  }

  static constexpr Engine engine() {
    return {request_head,
            response_head,
            fields,
            holds_empty_line,
            prefix<Scan::past_token>,
            prefix<Scan::past_value>,
            prefix<Scan::past_target>};
  }
};

}  // namespace weir::h1

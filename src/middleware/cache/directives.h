// What Cache-Control says (RFC 9111, 5.2), and CDN-Cache-Control in its place (RFC 9213).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/headers.h"

namespace weir::cache {

/// Seconds. What is larger is taken for this (RFC 9111, 1.2.2).
inline constexpr std::int64_t kLongest = 2'147'483'648;

/// Of one response. Times that are no numbers, or that are given twice and differ, count as 0: what
/// they are of is stale at once (RFC 9111, 4.2.1).
struct ResponseDirectives {
  bool present = false;  // there is a field that says anything
  bool broken = false;   // there is an element that cannot be read: it may have been a refusal
  bool no_store = false;
  bool no_cache = false;  // as a whole; see no_cache_fields
  bool private_ = false;  // as a whole; see private_fields
  bool public_ = false;
  bool must_revalidate = false;
  bool proxy_revalidate = false;
  bool must_understand = false;
  std::optional<std::int64_t> max_age;
  std::optional<std::int64_t> s_maxage;
  std::optional<std::int64_t> stale_while_revalidate;  // RFC 5861
  std::optional<std::int64_t> stale_if_error;
  // Names of fields that must not be stored, a comma list; the rest may be.
  std::string_view no_cache_fields;
  std::string_view private_fields;

  /// Whether a field of this name must not be stored.
  bool withholds(std::string_view name) const;
};

/// Of one request. max-stale is not among them: what may be stale is the origin's to say.
struct RequestDirectives {
  bool no_store = false;
  bool no_cache = false;
  bool only_if_cached = false;
  std::optional<std::int64_t> max_age;
  std::optional<std::int64_t> min_fresh;
};

/// Adds what one value of Cache-Control says.
void read_cache_control(std::string_view value, ResponseDirectives& into);
void read_cache_control(std::string_view value, RequestDirectives& into);

/// `value` is all of CDN-Cache-Control, its lines joined by commas: a dictionary of RFC 8941. False
/// if it is none, or says nothing: then it is as if it were not there.
bool read_targeted(std::string_view value, ResponseDirectives& into);

/// CDN-Cache-Control alone, where there is one that can be read; else Cache-Control.
struct Said {
  ResponseDirectives directives;
  bool targeted = false;  // Expires does not count
};
Said read_directives(const Headers& response);

/// Without Cache-Control, `Pragma: no-cache` is the same as in Cache-Control (RFC 9111, 5.4).
RequestDirectives read_request_directives(const Headers& request);

/// A number of seconds: digits alone, at most kLongest.
std::optional<std::int64_t> parse_seconds(std::string_view text);

}  // namespace weir::cache

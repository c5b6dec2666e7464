// What a route says about host and path: parsed from the words of the configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weir {

/// What is wrong with a pattern; `offset` counts bytes from its start.
struct PatternError {
  std::size_t offset = 0;
  std::string message;
};

struct HostPattern {
  enum class Kind : std::uint8_t { exact, wildcard, any };
  Kind kind = Kind::any;
  std::string text;  ///< exact: the canonical host; wildcard: what follows "*."

  /// `host` is canonical (Authority::host).
  bool matches(std::string_view host) const;
};

struct PathPattern {
  enum class Kind : std::uint8_t { exact, prefix, regex, any };
  Kind kind = Kind::any;
  std::string text;  ///< exact: a normal path; prefix: one without "/*"; regex: the expression

  /// `path` is normal (Target::path). Not for the path of a request where the kind is regex: it
  /// compiles the expression anew.
  bool matches(std::string_view path) const;
};

/// `shop.example`, `*.example` (one label or more in place of the star), `*` (every host).
/// Letters are lowered and a trailing dot is removed, as in requests. No port.
std::expected<HostPattern, PatternError> parse_host_pattern(std::string_view text);

/// `/a/b` (exactly this path), `/a/*` (`/a` and everything below it, on segment boundaries),
/// `/*` or `*` (every path). Case matters. The text must be normal as requests are; the message
/// for one that is not says how to write it.
std::expected<PathPattern, PatternError> parse_path_pattern(std::string_view text);

/// A regular expression of RE2 that the whole path must match. Programs above 1 MiB are refused.
std::expected<PathPattern, PatternError> parse_path_regex(std::string_view text);

struct RoutePattern {
  HostPattern host;
  PathPattern path;
  /// How many further conditions (method, header, query, expression) the route has.
  std::uint32_t conditions = 0;
};

/// The documented order of precedence: true if `a` is tried before `b`, apart from the order in
/// the configuration, which decides between equals.
///
/// Host: exact, then the longest wildcard, then any. Within a host: exact path, then the longest
/// prefix, then regexes, then every path (`/*` or none). Between equals the one with more
/// conditions; regexes stay in the order of the configuration.
bool tried_before(const RoutePattern& a, const RoutePattern& b);

}  // namespace weir

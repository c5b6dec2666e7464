#include "server/route_pattern.h"

#include <fmt/format.h>

#include <tuple>

#include "core/arena.h"
#include "http/authority.h"
#include "http/target.h"
#include "server/path_regex.h"

namespace weir {
namespace {

std::unexpected<PatternError> wrong(std::size_t offset, std::string message) {
  return std::unexpected<PatternError>(PatternError{offset, std::move(message)});
}

/// Non-ASCII and space as a request would carry them, so that a message can show it.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

std::expected<std::string, PatternError> normal_path(std::string_view text) {
  std::string encoded = percent_encoded(text);
  Arena arena;
  Result<std::string_view> normal = normalise_path(encoded, arena);
  if (!normal) return wrong(0, fmt::format("no request has this path: {}", normal.error().detail));
  if (*normal != text) {
    return wrong(0, fmt::format("requests carry this path as \"{}\": write that", *normal));
  }
  return std::string(text);
}

}  // namespace

bool HostPattern::matches(std::string_view host) const {
  switch (kind) {
    case Kind::exact: return host == text;
    case Kind::wildcard:
      return host.size() > text.size() + 1 && host.ends_with(text) &&
             host[host.size() - text.size() - 1] == '.';
    case Kind::any: return true;
  }
  return false;
}

bool PathPattern::matches(std::string_view path) const {
  switch (kind) {
    case Kind::exact: return path == text;
    case Kind::prefix:
      return path.starts_with(text) && (path.size() == text.size() || path[text.size()] == '/');
    case Kind::regex: return path_matches(re2::RE2(text, path_regex_options()), path);
    case Kind::any: return true;
  }
  return false;
}

std::expected<HostPattern, PatternError> parse_host_pattern(std::string_view text) {
  if (text == "*") return HostPattern{};
  bool wildcard = text.starts_with("*.");
  std::size_t start = wildcard ? 2 : 0;
  std::string_view name = text.substr(start);
  if (std::size_t star = name.find('*'); star != std::string_view::npos) {
    return wrong(start + star, "a star stands only for whole labels at the front, as in *.example");
  }
  Arena arena;
  Result<Authority> authority = parse_authority(name, arena);
  if (!authority) return wrong(start, std::string(authority.error().detail));
  if (authority->port != 0) {
    return wrong(start + name.rfind(':'), "a host has no port here; the listener has it");
  }
  if (wildcard && authority->kind != HostKind::name) {
    return wrong(start, "a wildcard needs a name, not an address");
  }
  return HostPattern{wildcard ? HostPattern::Kind::wildcard : HostPattern::Kind::exact,
                     std::string(authority->host)};
}

std::expected<PathPattern, PatternError> parse_path_pattern(std::string_view text) {
  if (text == "*" || text == "/*") return PathPattern{};
  if (text.empty()) return wrong(0, "the path is empty; leave it out to match every path");
  if (text[0] != '/') return wrong(0, "a path begins with a slash");
  if (std::size_t question = text.find('?'); question != std::string_view::npos) {
    return wrong(question, "a path has no query; match it with `query`");
  }
  bool prefix = text.ends_with("/*");
  std::string_view rest = prefix ? text.substr(0, text.size() - 2) : text;
  if (std::size_t star = rest.find('*'); star != std::string_view::npos) {
    return wrong(star,
                 "a star stands only at the end after a slash, as in /a/*; for more use a "
                 "regular expression");
  }
  std::expected<std::string, PatternError> path = normal_path(rest);
  if (!path) return std::unexpected<PatternError>(path.error());
  return PathPattern{prefix ? PathPattern::Kind::prefix : PathPattern::Kind::exact, *path};
}

std::expected<PathPattern, PatternError> parse_path_regex(std::string_view text) {
  re2::RE2 regex(re2::StringPiece(text.data(), text.size()), path_regex_options());
  if (!regex.ok()) {
    std::size_t at = text.find(regex.error_arg());
    return wrong(at == std::string_view::npos ? 0 : at, regex.error());
  }
  return PathPattern{PathPattern::Kind::regex, std::string(text)};
}

bool tried_before(const RoutePattern& a, const RoutePattern& b) {
  auto rank = [](const RoutePattern& p) {
    bool wildcard = p.host.kind == HostPattern::Kind::wildcard;
    bool prefix = p.path.kind == PathPattern::Kind::prefix;
    bool regex = p.path.kind == PathPattern::Kind::regex;
    // Longer and more come first, hence the complements.
    return std::tuple(p.host.kind, ~(wildcard ? p.host.text.size() : 0), p.path.kind,
                      ~(prefix ? p.path.text.size() : 0), ~(regex ? 0 : p.conditions));
  };
  return rank(a) < rank(b);
}

}  // namespace weir

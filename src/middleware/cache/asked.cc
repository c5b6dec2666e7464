#include "middleware/cache/asked.h"

#include <algorithm>

namespace weir::cache {
namespace {

// Whether the path is the one that the client wrote, but for the way in which its bytes are
// written: where segments had to be resolved, what an origin and a cache take it for may differ.
bool plain_path(const Target& target) {
  if (target.raw == target.path_query) return true;
  std::string_view raw = target.raw;
  if (target.form == TargetForm::absolute) {
    std::size_t path = raw.find('/', raw.find("://") + 3);
    raw = path == std::string_view::npos ? "/" : raw.substr(path);
  }
  raw = raw.substr(0, raw.find('?'));
  return std::ranges::count(raw, '/') == std::ranges::count(target.path, '/');
}

}  // namespace

bool reads(const Request& request) {
  return request.method == Method::get || request.method == Method::head;
}

std::string_view passes(const Request& request) {
  if (request.body != nullptr || !request.upgrade.empty()) return "bypass";
  bool form =
      request.target.form == TargetForm::origin || request.target.form == TargetForm::absolute;
  if (!form || request.authority.text.empty() || !plain_path(request.target)) return "bypass";
  constexpr HeaderSet kForOrigin(HeaderId::if_match, HeaderId::if_unmodified_since);
  if (request.headers.has_any(kForOrigin)) return "request";
  return {};
}

std::string_view url_of(Exchange& exchange) {
  const Request& request = exchange.request();
  return exchange.arena().concat(
      {request.scheme, "://", request.authority.text, request.target.path_query});
}

std::string_view same_origin(Exchange& exchange, std::string_view location) {
  const Request& request = exchange.request();
  Arena& arena = exchange.arena();
  std::string_view origin = arena.concat({request.scheme, "://", request.authority.text});
  if (location.starts_with(origin)) location.remove_prefix(origin.size());
  if (!location.starts_with('/') || location.starts_with("//")) return {};
  Result<Target> target =
      parse_target(location.substr(0, location.find('#')), TargetRule::ordinary, arena);
  return target ? arena.concat({origin, target->path_query}) : std::string_view();
}

}  // namespace weir::cache

#include "app/imagined_request.h"

#include <fmt/format.h>

#include "http/syntax.h"

namespace weir {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::expected<ImaginedRequest, std::string> ImaginedRequest::parse(
    std::string_view line, const std::vector<std::string>& headers) {
  ImaginedRequest request;
  std::string_view url = trim(line);
  std::size_t space = url.find(' ');
  if (space != std::string_view::npos) {
    request.method_ = url.substr(0, space);
    url = trim(url.substr(space));
  }
  if (!is_token(request.method_)) {
    return std::unexpected(fmt::format("\"{}\" is not a method", request.method_));
  }
  if (url.empty()) return std::unexpected("write it like 'GET https://shop.example/path'");
  bool bare = url.find("://") == std::string_view::npos && url.front() != '/' && url != "*";
  request.url_ = bare && request.method_ != "CONNECT" ? "http://" + std::string(url) : url;
  for (const std::string& header : headers) {
    std::size_t colon = header.find(':');
    std::string_view name = trim(std::string_view(header).substr(0, colon));
    std::string_view value;
    if (colon != std::string::npos) value = trim(std::string_view(header).substr(colon + 1));
    if (colon == std::string::npos || !is_token(name) || !is_field_value(value)) {
      return std::unexpected(
          fmt::format("\"{}\" is not a header; write it like 'Name: value'", header));
    }
    request.headers_.emplace_back(name, value);
  }
  return request;
}

// A URL stands for what a client makes of it: its host goes into Host, where a header of that name
// may replace it, and its path into the target.
Status ImaginedRequest::fill(Exchange& exchange, const TargetOptions& options) const {
  Request& request = exchange.request();
  request.method = parse_method(method_);
  request.method_text = method_;
  Result<Target> target = parse_target(url_, target_rule(method_), exchange.arena(), options);
  if (!target) return fail(target.error());
  request.target = *target;
  if (!target->scheme.empty()) request.scheme = target->scheme;
  request.authority = target->authority;
  for (const auto& [name, value] : headers_) request.headers.add(name, value);
  const Header* host = request.headers.find(HeaderId::host);
  if (host == nullptr) {
    if (!request.authority.text.empty()) request.headers.add("host", request.authority.text);
    return {};
  }
  Result<Authority> authority = parse_authority(host->value(), exchange.arena());
  if (!authority) return fail(authority.error());
  request.authority = *authority;
  return {};
}

std::uint16_t ImaginedRequest::port() const {
  Arena arena;
  Result<Target> target = parse_target(url_, target_rule(method_), arena);
  if (!target || target->authority.text.empty()) return 0;
  if (target->authority.port != 0) return target->authority.port;
  return target->scheme == "https" ? kHttpsPort : kHttpPort;
}

}  // namespace weir

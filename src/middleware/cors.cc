#include "middleware/cors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "http/error_response.h"
#include "http/exchange.h"
#include "http/vary.h"

namespace weir {
namespace {

constexpr std::string_view kPreflightMethod = "Access-Control-Request-Method";

bool is_name(std::string_view text) {
  bool chars = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  return chars && !text.empty() && !text.starts_with('.') && !text.ends_with('.') &&
         text.find("..") == text.npos;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && text[0] != '0' && std::ranges::all_of(text, is_digit);
}

// Bracketed IPv6, or a name or IPv4 address, and a port.
bool is_host_port(std::string_view text) {
  std::size_t end = text.starts_with('[') ? text.find(']') : text.find(':');
  if (text.starts_with('[')) {
    if (end == text.npos) return false;
    std::string_view address = text.substr(1, end - 1);
    if (address.empty() || address.find_first_not_of("0123456789abcdef:") != address.npos) {
      return false;
    }
    ++end;
  } else if (!is_name(text.substr(0, end))) {
    return false;
  }
  if (end >= text.size()) return true;
  return text[end] == ':' && is_port(text.substr(end + 1));
}

// The part behind "https://" of an origin, or nothing.
std::string_view behind_scheme(std::string_view origin) {
  std::size_t end = origin.find("://");
  if (end == origin.npos || end == 0) return {};
  bool scheme = std::ranges::all_of(origin.substr(0, end), [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '+' || c == '-' || c == '.';
  });
  return scheme ? origin.substr(end + 3) : std::string_view();
}

bool is_preflight(const Request& request) {
  return request.method == Method::options && request.headers.has(HeaderId::origin) &&
         request.headers.has(kPreflightMethod);
}

bool has_star(const std::vector<std::string>& texts) {
  return std::ranges::find(texts, "*") != texts.end();
}

}  // namespace

std::optional<config::Problem> check_cors_origin(std::string_view text) {
  if (text == "*") return std::nullopt;
  std::string_view host = behind_scheme(text);
  if (host.starts_with("*.")) host.remove_prefix(2);
  if (is_host_port(host)) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is no origin", text),
                         "write it as browsers do: https://app.example, in lower case, without a "
                         "path or a slash at the end"};
}

std::optional<config::Problem> check_cors_method(std::string_view text) {
  if (is_token(text) && text != "*") return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not a method", text),
                         "write it like GET or PUT"};
}

void CorsConfig::check(const config::Found& found) const {
  if (has_star(origins) && origins.size() > 1) {
    found.error("origins", config::Code::contradiction, "\"*\" has every other origin in it",
                "keep either the star or the list");
  }
  if (!credentials) return;
  if (has_star(origins)) {
    found.error("credentials", config::Code::contradiction,
                "with \"*\" every page of the web could act as your users do",
                "list the origins that may, or leave out credentials");
  }
  for (auto [key, list] : {std::pair{"headers", &headers}, std::pair{"expose", &expose}}) {
    if (!has_star(*list)) continue;
    found.error(key, config::Code::contradiction,
                "browsers take \"*\" for a name where credentials are sent", "list the names");
  }
}

CorsMiddleware::CorsMiddleware(const CorsConfig& config)
    : credentials_(config.credentials),
      private_network_(config.private_network),
      methods_(fmt::format("{}", fmt::join(config.methods, ", "))),
      headers_(fmt::format("{}", fmt::join(config.headers, ", "))),
      expose_(fmt::format("{}", fmt::join(config.expose, ", "))),
      max_age_(std::to_string(config.max_age / std::chrono::seconds(1))) {
  for (const std::string& each : config.origins) {
    std::size_t star = each.find('*');
    if (each == "*") {
      any_ = true;
    } else if (star == each.npos) {
      exact_.push_back(each);
    } else {
      patterns_.push_back({each.substr(0, star), each.substr(star + 1)});
    }
  }
  std::ranges::sort(exact_);
}

bool CorsMiddleware::allows(std::string_view origin) const {
  if (origin.empty()) return false;
  if (any_ || std::ranges::binary_search(exact_, origin)) return true;
  return std::ranges::any_of(patterns_, [&](const Pattern& pattern) {
    if (!origin.starts_with(pattern.before) || !origin.ends_with(pattern.after)) return false;
    if (origin.size() <= pattern.before.size() + pattern.after.size()) return false;
    origin.remove_prefix(pattern.before.size());
    origin.remove_suffix(pattern.after.size());
    return is_name(origin);
  });
}

// The one that the request names, if its pages may; else nothing.
std::string_view CorsMiddleware::origin_of(const Request& request) const {
  if (request.headers.count(HeaderId::origin) != 1) return {};
  std::string_view origin = request.headers.get(HeaderId::origin);
  return allows(origin) ? origin : std::string_view();
}

void CorsMiddleware::mark(Response& response, std::string_view origin) const {
  Headers& headers = response.headers;
  if (headers.has(HeaderId::unknown)) {
    headers.remove_if(
        [](const Header& field) { return istarts_with(field.name(), "access-control-"); });
  }
  if (!any_) vary_by(headers, "Origin");
  if (origin.empty()) return;
  headers.add("Access-Control-Allow-Origin", any_ ? "*" : origin);
  if (credentials_) headers.add("Access-Control-Allow-Credentials", "true");
}

Task<Result<Response>> CorsMiddleware::handle(Exchange& exchange, Next next) const {
  return is_preflight(exchange.request()) ? preflight(exchange) : pass(exchange, next);
}

Task<Result<Response>> CorsMiddleware::preflight(Exchange& exchange) const {
  const Request& request = exchange.request();
  std::string_view origin = origin_of(request);
  if (origin.empty()) {
    co_return fail(ErrorCode::cors_denied, Origin::client, "preflight of another origin");
  }
  Response response(exchange.arena());
  response.status = 204;
  mark(response, origin);
  response.headers.add("Access-Control-Allow-Methods", methods_);
  if (!headers_.empty()) response.headers.add("Access-Control-Allow-Headers", headers_);
  response.headers.add("Access-Control-Max-Age", max_age_);
  if (private_network_ && request.headers.has("Access-Control-Request-Private-Network")) {
    response.headers.add("Access-Control-Allow-Private-Network", "true");
  }
  co_return response;
}

// A page that may use the address may also read why a request failed.
Task<Result<Response>> CorsMiddleware::pass(Exchange& exchange, Next next) const {
  std::string_view origin = origin_of(exchange.request());
  Result<Response> response = co_await next(exchange);
  if (!response) {
    const Error& error = response.error();
    bool shown = error.code != ErrorCode::client_gone && error.code != ErrorCode::cancelled &&
                 !exchange.stop().stopped();
    if (origin.empty() || !shown) co_return response;
    exchange.outcome().error = error;
    response = error_response(exchange, Error(error));
  }
  mark(*response, origin);
  if (!origin.empty() && !expose_.empty()) {
    response->headers.add("Access-Control-Expose-Headers", expose_);
  }
  co_return response;
}

}  // namespace weir

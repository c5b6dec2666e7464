#include "server/admin_gate.h"

#include <openssl/crypto.h>

#include <fmt/format.h>

#include "http/error_response.h"
#include "http/exchange.h"
#include "http/syntax.h"
#include "io/tls/files.h"
#include "server/metrics.h"

namespace weir {
namespace {

constexpr std::size_t kLeastToken = 16;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// A name could be anybody's; an address is what somebody typed. Browsers never leave it out.
bool is_plain_host(const Authority& authority) {
  bool name = authority.kind == HostKind::name;
  return !name || authority.host.empty() || authority.host == "localhost";
}

bool is_json(std::string_view type) {
  type = type.substr(0, type.find(';'));
  while (!type.empty() && is_blank(type.back())) type.remove_suffix(1);
  return iequals(type, "application/json") || iequals(type, "application/merge-patch+json");
}

// The page and its files hold no data, and a browser has no way to send a token before it has them.
bool is_dashboard(const Request& request) {
  std::string_view path = request.target.path;
  return is_safe(request.method) && (path == "/dashboard" || path.starts_with("/dashboard/"));
}

// Scheme and authority, as browsers write it.
bool same_origin(std::string_view origin, const Request& request) {
  std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos || origin.substr(0, scheme) != request.scheme) return false;
  return iequals(origin.substr(scheme + 3), request.authority.text);
}

}  // namespace

std::expected<std::string, std::string> read_admin_token(const std::string& path) {
  std::expected<std::string, std::string> text = read_small_file(path);
  if (!text) return text;
  while (!text->empty() && is_blank(text->back())) text->pop_back();
  if (text->size() < kLeastToken) return std::unexpected("the token is shorter than 16 characters");
  for (char c : *text) {
    if (c <= ' ' || c > '~') return std::unexpected("the token is not one word of ASCII");
  }
  return text;
}

AdminGate::AdminGate(const AdminConfig& config, const Handler& admin,
                     config::Diagnostics& diagnostics)
    : admin_(admin), read_only_(config.read_only) {
  bool certificate = config.tls && config.tls->client_auth &&
                     config.tls->client_auth->mode == ClientAuthMode::require;
  bool file = config.address->kind == config::Address::Kind::unix_socket;
  any_host_ = certificate || file || !config.token_file->empty();
  if (config.token_file->empty()) return;
  auto token = read_admin_token(*config.token_file);
  if (token) {
    token_ = std::move(*token);
    return;
  }
  diagnostics.error(config.token_file.position, config::Code::unreadable_reference,
                    fmt::format("{}: {}", *config.token_file, token.error()));
}

bool AdminGate::knows_token(const Request& request) const {
  constexpr std::string_view kScheme = "bearer ";
  if (request.headers.count(HeaderId::authorization) != 1) return false;
  std::string_view value = request.headers.get(HeaderId::authorization);
  if (!istarts_with(value, kScheme)) return false;
  value.remove_prefix(kScheme.size());
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  // The time it takes tells the length at most.
  return value.size() == token_.size() &&
         CRYPTO_memcmp(value.data(), token_.data(), token_.size()) == 0;
}

std::optional<AdminGate::No> AdminGate::judge(const Request& request) const {
  if (!token_.empty() && !knows_token(request) && !is_dashboard(request)) {
    return No{401, "auth_required", "This admin listener wants a token: Authorization: Bearer ..."};
  }
  if (!any_host_ && !is_plain_host(request.authority)) {
    return No{421, "bad_host",
              "Ask the admin listener by an IP address or as localhost, not by another name."};
  }
  if (is_safe(request.method)) return std::nullopt;
  return judge_change(request);
}

std::optional<AdminGate::No> AdminGate::judge_change(const Request& request) const {
  if (read_only_) return No{403, "read_only", "This admin listener can only be read."};
  std::string_view site = request.headers.get("Sec-Fetch-Site");
  bool foreign = !site.empty() && site != "same-origin" && site != "none";
  if (request.headers.has(HeaderId::origin)) {
    foreign = foreign || !same_origin(request.headers.get(HeaderId::origin), request);
  }
  if (foreign) return No{403, "cross_origin", "Pages of other origins change nothing here."};
  bool json = is_json(request.headers.get(HeaderId::content_type));
  if (json || request.method == Method::delete_) return std::nullopt;
  return No{415, "json_required", "What changes anything is JSON: Content-Type: application/json."};
}

Task<Result<Response>> AdminGate::handle(Exchange& exchange) const {
  std::optional<No> no = judge(exchange.request());
  if (!no) co_return co_await admin_.handle(exchange);
  exchange.set_route(kAdminRoute);
  Response response = error_response(exchange, no->status, no->code, no->message);
  if (no->status == 401) response.headers.add(HeaderId::www_authenticate, "Bearer");
  co_return response;
}

}  // namespace weir

#include "expression/catalog.h"

#include <vector>

#include "config/suggest.h"

namespace weir::expression {
namespace {

using enum Type;

constexpr FactEntry kCatalog[] = {
    {Fact::client_ip, "client_ip", address, Stage::connection,
     "address of the client, behind trusted proxies the one they report"},
    {Fact::client_port, "client_port", number, Stage::connection, "port of the client's address"},
    {Fact::listener, "listener", text, Stage::connection,
     "name of the listener that accepted the connection, its address if it has no name"},
    {Fact::scheme, "scheme", text, Stage::connection, "`http` or `https`"},
    {Fact::tls_version, "tls.version", text, Stage::connection, "`TLSv1.2`, `TLSv1.3`"},
    {Fact::tls_cipher, "tls.cipher", text, Stage::connection, "cipher suite"},
    {Fact::tls_server_name, "tls.server_name", text, Stage::connection,
     "name the client asked for (SNI)"},
    {Fact::tls_alpn, "tls.alpn", text, Stage::connection, "protocol chosen by ALPN"},
    {Fact::tls_client_subject, "tls.client_subject", text, Stage::connection,
     "subject of the client's certificate, if one was verified"},
    {Fact::tls_client_issuer, "tls.client_issuer", text, Stage::connection,
     "issuer of the client's certificate"},
    {Fact::tls_client_serial, "tls.client_serial", text, Stage::connection,
     "serial number of the client's certificate, hexadecimal"},
    {Fact::tls_client_fingerprint, "tls.client_fingerprint", text, Stage::connection,
     "SHA-256 of the client's certificate, 64 hexadecimal digits"},
    {Fact::tls_client_san, "tls.client_san", text, Stage::connection,
     "names of the client's certificate: `DNS:a.example,URI:spiffe://b/c`; what could end a name "
     "is "
     "percent-encoded"},
    {Fact::time, "time", Type::time, Stage::request,
     "when the request began, RFC 3339 in UTC with milliseconds: `2026-03-01T12:30:00.123Z`"},
    {Fact::time_clf, "time_clf", Type::time, Stage::request,
     "the same for the combined format: `01/Mar/2026:12:30:00 +0000`"},
    {Fact::time_unix, "time_unix", Type::time, Stage::request,
     "the same in seconds since 1970 with milliseconds: `1772368200.123`"},
    {Fact::request_id, "request_id", text, Stage::request, "`X-Request-Id` of the exchange"},
    {Fact::trace_id, "trace_id", text, Stage::request,
     "the request's trace, in 32 digits; with `tracing` only"},
    {Fact::span_id, "span_id", text, Stage::request,
     "Weir's own span in that trace, in 16 digits; with `tracing` only"},
    {Fact::protocol, "protocol", text, Stage::request,
     "`HTTP/1.0`, `HTTP/1.1`, `HTTP/2`, `HTTP/3`"},
    {Fact::method, "method", text, Stage::request, "request method, case matters"},
    {Fact::host, "host", text, Stage::request,
     "host asked for: lower case, no port, no trailing dot"},
    {Fact::path, "path", text, Stage::request,
     "normalised path: what routes match and what is forwarded"},
    {Fact::query, "query", text, Stage::request, "query as sent, without the `?`"},
    {Fact::target, "target", text, Stage::request, "request target as sent; for logs"},
    {Fact::raw_path, "raw_path", text, Stage::request,
     "path as sent, before it was normalised; for logs"},
    {Fact::route, "route", text, Stage::route, "name of the route that answers"},
    {Fact::identity, "identity", text, Stage::route,
     "user name that the client proved with a password; behind the middleware that asks for it"},
    {Fact::upstream, "upstream", text, Stage::response, "name of the upstream asked last"},
    {Fact::endpoint, "endpoint", text, Stage::response, "address of the endpoint asked last"},
    {Fact::status, "status", number, Stage::response, "status of the response"},
    {Fact::reason, "reason", text, Stage::response,
     "code of the error, if Weir made the response or the exchange broke off, and of injected "
     "faults"},
    {Fact::bytes_in, "bytes_in", number, Stage::response, "bytes of the request body received"},
    {Fact::bytes_out, "bytes_out", number, Stage::response, "bytes of the response body sent"},
    {Fact::duration, "duration", Type::duration, Stage::response,
     "from the first byte of the request to the last of the response"},
    {Fact::first_byte, "first_byte", Type::duration, Stage::response,
     "from the first byte of the request to the first of the response"},
    {Fact::upstream_connect, "upstream_connect", Type::duration, Stage::response,
     "time to connect to the endpoint; absent on a reused connection"},
    {Fact::upstream_response, "upstream_response", Type::duration, Stage::response,
     "from sending the request to the head of the endpoint's response"},
};

constexpr SourceEntry kSources[] = {
    {Source::header, "header", Stage::request, true, "request header field"},
    {Source::response_header, "response_header", Stage::response, true, "response header field"},
    {Source::query, "query", Stage::request, false, "query parameter, percent-decoded"},
    {Source::cookie, "cookie", Stage::request, false, "cookie as sent"},
};

static_assert(std::size(kCatalog) == kFacts);

constexpr bool in_order() {
  for (std::size_t i = 0; i < kFacts; ++i) {
    if (static_cast<std::size_t>(kCatalog[i].fact) != i) return false;
  }
  for (std::size_t i = 0; i < std::size(kSources); ++i) {
    if (static_cast<std::size_t>(kSources[i].source) != i) return false;
  }
  return true;
}
static_assert(in_order());

struct Alias {
  std::string_view wrong;
  std::string_view right;
};

// What other programs call them.
constexpr Alias kAliases[] = {
    {"user", "identity"},
    {"remote_user", "identity"},
    {"username", "identity"},
    {"uri", "path"},
    {"url", "target"},
    {"remote_addr", "client_ip"},
    {"client", "client_ip"},
    {"ip", "client_ip"},
    {"client_address", "client_ip"},
    {"remote_ip", "client_ip"},
    {"sni", "tls.server_name"},
    {"tls.sni", "tls.server_name"},
    {"alpn", "tls.alpn"},
    {"ssl_client_s_dn", "tls.client_subject"},
    {"ssl_client_i_dn", "tls.client_issuer"},
    {"ssl_client_fingerprint", "tls.client_fingerprint"},
    {"tls.client_names", "tls.client_san"},
    {"headers", "header."},
    {"request_header", "header."},
    {"request.header", "header."},
    {"cookies", "cookie."},
    {"args", "query"},
    {"query_string", "query"},
    {"status_code", "status"},
    {"code", "status"},
    {"time_local", "time_clf"},
    {"user_agent", "header.user-agent"},
    {"referer", "header.referer"},
    {"request_time", "duration"},
    {"latency", "duration"},
    {"ttfb", "first_byte"},
    {"version", "protocol"},
    {"upstream_addr", "endpoint"},
    {"bytes_sent", "bytes_out"},
};

}  // namespace

std::string_view name(Type type) {
  static constexpr std::string_view kNames[] = {"text", "number", "duration", "address", "time"};
  return kNames[static_cast<std::size_t>(type)];
}

std::string_view name(Stage stage) {
  static constexpr std::string_view kNames[] = {"connection", "request", "route", "response"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::span<const FactEntry> facts() { return kCatalog; }
std::span<const SourceEntry> sources() { return kSources; }

const FactEntry& entry(Fact fact) { return kCatalog[static_cast<std::size_t>(fact)]; }
const SourceEntry& entry(Source source) { return kSources[static_cast<std::size_t>(source)]; }

const FactEntry* find_fact(std::string_view name) {
  for (const FactEntry& entry : kCatalog) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

const SourceEntry* find_source(std::string_view name) {
  for (const SourceEntry& entry : kSources) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::string nearest_name(std::string_view name) {
  std::string_view group = name.substr(0, name.find('.'));
  for (const Alias& alias : kAliases) {
    if (alias.wrong == name) return std::string(alias.right);
    if (alias.wrong == group && alias.right.ends_with('.') && group.size() < name.size()) {
      return std::string(alias.right) + std::string(name.substr(group.size() + 1));
    }
  }
  std::vector<std::string_view> known;
  for (const FactEntry& entry : kCatalog) known.push_back(entry.name);
  if (std::string_view match = config::closest(name, known); !match.empty()) {
    return std::string(match);
  }
  if (group.size() == name.size()) return {};
  known.clear();
  for (const SourceEntry& entry : kSources) known.push_back(entry.name);
  std::string_view source = config::closest(group, known);
  if (source.empty()) return {};
  return std::string(source) + std::string(name.substr(group.size()));
}

}  // namespace weir::expression

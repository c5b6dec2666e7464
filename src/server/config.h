// The whole configuration of a process, as a file writes it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/config.h"
#include "config/address.h"
#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"
#include "handler/builtin.h"
#include "http/header_edits_config.h"
#include "middleware/builtin.h"
#include "middleware/rate_limit_config.h"
#include "server/access_log_config.h"
#include "server/admin_config.h"
#include "server/log_config.h"
#include "server/overload_config.h"
#include "server/proxy_protocol_config.h"
#include "server/redaction_config.h"
#include "server/tcp_config.h"
#include "server/tls_config.h"
#include "server/tracing_config.h"
#include "server/udp_config.h"
#include "store/redis_config.h"

namespace weir {

// Checks of single texts, for the tables below.
std::optional<config::Problem> check_host_pattern(std::string_view text);
std::optional<config::Problem> check_path_pattern(std::string_view text);
std::optional<config::Problem> check_path_regex(std::string_view text);
std::optional<config::Problem> check_method(std::string_view text);

// All conditions that are given must hold.
struct MatchConfig {
  std::vector<config::Located<std::string>> host;
  std::vector<config::Located<std::string>> path;
  std::vector<config::Located<std::string>> path_regex;
  std::vector<std::string> method;
  config::Map<std::string> header;
  config::Map<std::string> query;
  config::Located<std::string> when;

  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "match", "Which requests a route answers. Of each list one entry must match.",
      config::field<&MatchConfig::host>(
          "host", "Host names; `*.example` stands for every name below `example`.",
          config::one_or_many, config::check(&check_host_pattern), config::example("shop.example")),
      config::field<&MatchConfig::path>(
          "path", "Paths; `/api/*` stands for `/api` and everything below it.", config::one_or_many,
          config::check(&check_path_pattern), config::example("/api/*")),
      config::field<&MatchConfig::path_regex>(
          "path_regex", "Regular expressions (RE2) of which one must match the whole path.",
          config::one_or_many, config::check(&check_path_regex),
          config::example("\"/v[0-9]+/.*\"")),
      config::field<&MatchConfig::method>("method", "Methods, in capital letters.",
                                          config::one_or_many, config::check(&check_method),
                                          config::example("[GET, HEAD]")),
      config::field<&MatchConfig::header>(
          "header", "Headers and their exact values; `*` takes any value.",
          config::check_key(&check_header_name), config::example("{ X-Team: shop }")),
      config::field<&MatchConfig::query>("query",
                                         "Query parameters and their exact values; `*` takes any.",
                                         config::example("{ debug: \"1\" }")),
      config::field<&MatchConfig::when>("when", "An expression that must be true."));
};

struct RouteConfig {
  config::Located<std::string> name;
  MatchConfig match;
  std::vector<config::Module> use;
  config::Module handler;
  HeaderEditsConfig request_headers;
  HeaderEditsConfig response_headers;
  config::Located<bool> require_client_certificate;
  std::optional<double> trace_percent;
  config::Position position;

  static constexpr auto schema = config::object(
      "route", "Which requests are answered, and by what. The most specific route wins.",
      config::field<&RouteConfig::name>("name",
                                        "Appears in metrics and logs; by default made from the "
                                        "host and path."),
      config::field<&RouteConfig::match>("match", "Which requests; all, if not given."),
      config::field<&RouteConfig::use>("use", "Middlewares, outermost first.",
                                       config::modules(&middleware_types)),
      config::field<&RouteConfig::handler>("handler", "What answers: exactly one handler.",
                                           config::required, config::chosen_by_key(&handler_types)),
      config::field<&RouteConfig::request_headers>("request_headers",
                                                   "Changes to the request, before the handler."),
      config::field<&RouteConfig::response_headers>("response_headers",
                                                    "Changes to the response of the handler."),
      config::field<&RouteConfig::require_client_certificate>(
          "require_client_certificate",
          "Answers only clients that showed a certificate which verified; 403 for others. The "
          "listener's `client_auth` says who signs them."),
      config::field<&RouteConfig::trace_percent>(
          "trace_percent", "How many of the traces that begin with this route are sampled.",
          config::none("default"), config::range(0, 100)));
};

enum class HalfClose : std::uint8_t { cancel, keep };

constexpr auto enum_names(HalfClose) {
  return std::array{
      config::Name{"cancel", HalfClose::cancel,
                   "A client that closes its side has left: its request is cancelled."},
      config::Name{"keep", HalfClose::keep,
                   "The client may close its side and still wait for the response."}};
}

struct MinRateConfig {
  config::ByteSize per_second{240};
  config::Duration grace = std::chrono::seconds(10);

  static constexpr auto schema =
      config::object("min_rate", "The slowest that a body may flow, in each direction.",
                     config::field<&MinRateConfig::per_second>(
                         "per_second", "Bytes in each second; `0B` does not check."),
                     config::field<&MinRateConfig::grace>(
                         "grace", "How long a body may be slower before its connection is closed.",
                         config::range(std::chrono::seconds(1), std::chrono::hours(1))));
};

struct ListenerTimeoutsConfig {
  config::Duration header = std::chrono::seconds(10);
  config::Duration idle = std::chrono::seconds(60);
  config::Duration tunnel = std::chrono::hours(1);

  static constexpr auto schema =
      config::object("listener timeouts", "How long a client may take.",
                     config::field<&ListenerTimeoutsConfig::header>(
                         "header", "For the whole head of a request, from its first byte.",
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(1))),
                     config::field<&ListenerTimeoutsConfig::idle>(
                         "idle", "Between two requests, and before the first.",
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
                     config::field<&ListenerTimeoutsConfig::tunnel>(
                         "tunnel", "How long a WebSocket or another tunnel may be silent.",
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(240))));
};

struct ListenerLimitsConfig {
  std::optional<std::uint32_t> max_connections;
  std::optional<std::uint32_t> max_connections_per_client;
  config::ByteSize max_head_bytes = config::kibibytes(32);
  std::uint32_t max_headers = 100;
  std::optional<config::ByteSize> max_body_bytes;

  static constexpr auto schema = config::object(
      "listener limits", "How much a client may ask for.",
      config::field<&ListenerLimitsConfig::max_connections>(
          "max_connections", "Open connections of this listener.", config::none("unlimited"),
          config::at_least(1)),
      config::field<&ListenerLimitsConfig::max_connections_per_client>(
          "max_connections_per_client", "Open connections of one client address.",
          config::none("unlimited"), config::at_least(1)),
      config::field<&ListenerLimitsConfig::max_head_bytes>(
          "max_head_bytes", "Size of a request's head; 431 above it.",
          config::range(config::kibibytes(1), config::mebibytes(1))),
      config::field<&ListenerLimitsConfig::max_headers>(
          "max_headers", "Header lines of a request; 431 above it.", config::range(1, 10000)),
      config::field<&ListenerLimitsConfig::max_body_bytes>(
          "max_body_bytes", "Size of a request's body; 413 above it.", config::none("unlimited")));
};

struct ListenerConfig {
  config::Located<config::Address> address;
  config::Located<std::string> name;
  std::optional<ListenerTlsConfig> tls;
  std::optional<std::vector<RouteConfig>> routes;
  std::optional<std::uint16_t> redirect_https;
  std::vector<config::Module> use;
  ListenerLimitsConfig limits;
  ListenerTimeoutsConfig timeouts;
  MinRateConfig min_rate;
  std::optional<ProxyProtocolConfig> proxy_protocol;
  std::vector<config::Network> trusted_proxies;
  HalfClose half_close = HalfClose::cancel;
  config::Position position;

  void check(const config::Found& found) const;

  // The name, or else the address: what metrics and logs call it.
  std::string label() const { return name->empty() ? address->text() : *name; }

  static constexpr auto schema = config::object(
      "listener", "An address where clients connect.",
      config::field<&ListenerConfig::address>(
          "address",
          "`:8080` is a port of every IPv6 and IPv4 address; `127.0.0.1:80`, `[::1]:80` and "
          "`unix:/path` are single ones. With port 0 the kernel chooses one.",
          config::required, config::shorthand, config::any_port, config::example("\":8080\"")),
      config::field<&ListenerConfig::name>("name",
                                           "Appears in metrics and logs; by default the address."),
      config::field<&ListenerConfig::tls>("tls", "TLS with clients.", config::none("off")),
      config::field<&ListenerConfig::routes>(
          "routes", "Routes of this listener alone, in place of the top-level `routes`."),
      config::field<&ListenerConfig::redirect_https>(
          "redirect_https",
          "Answers every request with 308 and the same address over HTTPS, at this port. No route "
          "is asked.",
          config::none("off"), config::at_least(1), config::example("443")),
      config::field<&ListenerConfig::use>(
          "use", "Middlewares of every route of this listener, outermost first.",
          config::modules(&middleware_types)),
      config::field<&ListenerConfig::limits>("limits", "How much a client may ask for."),
      config::field<&ListenerConfig::timeouts>("timeouts", "How long a client may take."),
      config::field<&ListenerConfig::min_rate>("min_rate", "The slowest that a body may flow."),
      config::field<&ListenerConfig::proxy_protocol>(
          "proxy_protocol", "Connections that begin with PROXY headers.", config::none("off")),
      config::field<&ListenerConfig::trusted_proxies>(
          "trusted_proxies", "Networks whose `X-Forwarded-*` and `Forwarded` headers are believed.",
          config::one_or_many, config::example("[10.0.0.0/8]")),
      config::field<&ListenerConfig::half_close>(
          "half_close", "What it means when a client closes its side of the connection."));
};

struct ProcessLimitsConfig {
  std::optional<std::uint32_t> max_connections;

  static constexpr auto schema =
      config::object("limits", "Limits of the whole process.",
                     config::field<&ProcessLimitsConfig::max_connections>(
                         "max_connections",
                         "Open connections of clients, over all listeners; `auto` is three "
                         "quarters of what the descriptor limit allows.",
                         config::none("auto"), config::range(1, 10'000'000)));
};

struct ServerConfig {
  std::optional<std::uint32_t> workers;  // nothing: one for each core
  std::string zone;
  std::vector<ListenerConfig> listeners;
  std::vector<TcpConfig> tcp;
  std::vector<UdpConfig> udp;
  std::vector<RouteConfig> routes;
  std::vector<config::Module> use;
  config::Map<UpstreamConfig> upstreams;
  config::Map<RateLimitConfig> rate_limits;
  config::Map<StoreConfig> stores;
  std::optional<AdminConfig> admin;
  std::optional<AccessLogConfig> access_log;
  std::optional<TracingConfig> tracing;
  RedactConfig redact;
  LogConfig log;
  config::Located<std::string> user;
  ProcessLimitsConfig limits;
  OverloadConfig overload;

  // Somebody can connect.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "configuration", "The top level of a configuration file.",
      config::field<&ServerConfig::workers>("workers",
                                            "Threads that serve clients; `auto` is one per core.",
                                            config::none("auto"), config::range(1, 1024)),
      config::field<&ServerConfig::zone>(
          "zone",
          "Where this process stands; it prefers endpoints of the same `zone`. Not given: zones do "
          "not matter.",
          config::example("eu-1a")),
      config::field<&ServerConfig::listeners>("listeners", "Where clients connect with HTTP."),
      config::field<&ServerConfig::tcp>(
          "tcp", "Where clients connect with anything else: the bytes are passed on as they are."),
      config::field<&ServerConfig::udp>("udp", "Where datagrams come to, to be passed on."),
      config::field<&ServerConfig::routes>("routes",
                                           "Routes of every listener that has none of its own."),
      config::field<&ServerConfig::use>("use", "Middlewares of every route, outermost first.",
                                        config::modules(&middleware_types)),
      config::field<&ServerConfig::upstreams>("upstreams", "Services behind the proxy, by name."),
      config::field<&ServerConfig::rate_limits>(
          "rate_limits",
          "Limits by name, for `rate_limit` to use: each has one budget wherever it is used.",
          config::check_key(&check_limit_name),
          config::example("{ per_client: { rate: 100/s, key: client_ip } }")),
      config::field<&ServerConfig::stores>(
          "stores", "Redis servers by name, for what several processes share.",
          config::example("{ main: { redis: \"127.0.0.1:6379\" } }")),
      config::field<&ServerConfig::admin>("admin", "The admin listener.", config::none("off")),
      config::field<&ServerConfig::access_log>("access_log", "The log of requests.",
                                               config::none("off")),
      config::field<&ServerConfig::tracing>("tracing", "Spans of requests, for a collector.",
                                            config::none("off")),
      config::field<&ServerConfig::redact>("redact", "What the access log and traces do not say."),
      config::field<&ServerConfig::log>("log", "The program's own messages."),
      config::field<&ServerConfig::user>(
          "user", "When started as root, become this user after the listeners are bound."),
      config::field<&ServerConfig::limits>("limits", "Limits of the whole process."),
      config::field<&ServerConfig::overload>("overload", "When the process refuses new requests."));
};

// Reads the table and checks what refers to something else: upstream names, addresses and names
// given twice. Use the result only if diagnostics.ok().
ServerConfig parse_server_config(const config::Document& document,
                                 config::Diagnostics& diagnostics);

// The routes that a listener serves.
inline const std::vector<RouteConfig>& routes_of(const ServerConfig& config,
                                                 const ListenerConfig& listener) {
  return listener.routes ? *listener.routes : config.routes;
}

}  // namespace weir

#include "cluster/config.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/parse.h"

namespace weir {

using config::Code;

void BalanceConfig::check(const config::Found& found) const {
  if (load_reports && goes_by_key(algorithm)) {
    found.error("load_reports", Code::contradiction,
                fmt::format("\"{}\" has no \"load_reports\"", config::enum_word(algorithm)),
                "a key stays with its endpoint; remove one of the two");
  }
  if (goes_by_key(algorithm)) return;
  auto refuse = [&](std::string_view option) {
    found.error(option, Code::contradiction,
                fmt::format("\"{}\" has no \"{}\"", config::enum_word(algorithm), option),
                "only ring and maglev go by a key");
  };
  // A dump of all that is in force says the defaults too.
  if (key.size() != 1 || *key.front() != "client_ip") refuse("key");
  if (max_load) refuse("max_load");
}

void UpstreamConfig::check(const config::Found& found) const {
  if (slow_start && goes_by_key(balance.algorithm)) {
    found.error("slow_start", Code::contradiction,
                fmt::format("\"{}\" has no slow start", config::enum_word(balance.algorithm)),
                "a key stays with its endpoint; remove one of the two");
  }
  if (proxy_protocol && protocol == UpstreamProtocol::http2) {
    found.error("proxy_protocol", Code::contradiction,
                "an HTTP/2 connection is shared by clients, a PROXY header tells of one",
                "remove one of the two; X-Forwarded-For tells of clients as well");
  }
  bool socket = std::ranges::any_of(endpoints, [](const EndpointConfig& endpoint) {
    return endpoint.address->kind == config::Address::Kind::unix_socket;
  });
  if (socket && health && health->port) {
    found.error("health", Code::contradiction,
                "the checks name a \"port\", and a Unix socket has no port",
                "remove \"port\", or put the endpoints into two upstreams");
  }
  if (protocol == UpstreamProtocol::fastcgi) check_fastcgi(found);
}

void UpstreamConfig::check_fastcgi(const config::Found& found) const {
  if (tls) {
    found.error("tls", Code::contradiction, "FastCGI has no TLS",
                "use a Unix socket, or a network that nobody else listens to");
  }
  bool asks_http =
      health && (health->type == HealthCheckType::http || health->type == HealthCheckType::grpc);
  if (asks_http) {
    found.error("health", Code::contradiction, "FastCGI endpoints do not answer checks by HTTP",
                "write `type: tcp`, which connects, or `type: exec`");
  }
}

Labels labels_of(const config::Map<std::string>& labels) {
  Labels all;
  for (const auto& each : labels) all.emplace_back(each.name, each.value);
  std::ranges::sort(all);
  return all;
}

Placement EndpointConfig::placement() const { return {priority, zone, labels_of(labels)}; }

EndpointLimits UpstreamConfig::limits() const {
  bool may_share = protocol == UpstreamProtocol::http2 ||
                   (protocol == UpstreamProtocol::automatic && tls && !proxy_protocol);
  EndpointLimits limits = endpoint_limits.limits();
  if (breaker) limits.cluster_connections = breaker->max_connections.value_or(0);
  return may_share ? limits : limits.one_by_one();
}

BalancePolicy UpstreamConfig::policy(const std::string& zone) const {
  return {.algorithm = balance.algorithm,
          .max_load = balance.max_load.value_or(0),
          .slow_start = slow_start.value_or(Duration::zero()),
          .panic_below = balance.panic_below / 100.0,
          .zone = zone,
          .max_requests = limits().max_requests,
          .load_reports = balance.load_reports,
          .aliases = sticky.has_value()};
}

}  // namespace weir

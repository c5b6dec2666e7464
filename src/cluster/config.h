// What a configuration says about an upstream: its endpoints and how they are used.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/adaptive_limit_config.h"
#include "cluster/balance_policy.h"
#include "cluster/breaker_config.h"
#include "cluster/health_config.h"
#include "cluster/limits_config.h"
#include "cluster/outlier_config.h"
#include "cluster/placement.h"
#include "cluster/proxy_protocol_config.h"
#include "cluster/retries_config.h"
#include "cluster/sticky_config.h"
#include "cluster/tls_config.h"
#include "config/address.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

// How an endpoint is picked; `balance: random` is the algorithm alone.
struct BalanceConfig {
  Balance algorithm = Balance::round_robin;
  std::vector<config::Located<std::string>> key{std::string("client_ip")};
  std::optional<double> max_load;
  std::uint32_t panic_below = 10;
  bool load_reports = false;

  // A key is for the algorithms that go by one.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "balance", "How an endpoint is picked.",
      config::field<&BalanceConfig::algorithm>("algorithm", "By which rule.", config::required,
                                               config::shorthand,
                                               config::example("least_requests")),
      config::field<&BalanceConfig::key>(
          "key",
          "For `ring` and `maglev`: a value of the request; requests with the same go to the same "
          "endpoint. Of several the first that a request has; a request that has none of them goes "
          "to any endpoint.",
          config::at_least_one, config::one_or_many, config::not_empty,
          config::example("[cookie.session, client_ip]")),
      config::field<&BalanceConfig::max_load>(
          "max_load",
          "For `ring` and `maglev`: how much of the average load an endpoint may have under way; "
          "what is above goes to the next endpoint of the key. 1.25 is a good value.",
          config::none("unlimited"), config::range(1, 100)),
      config::field<&BalanceConfig::panic_below>(
          "panic_below",
          "When less than this share of a level is available, in percent, and no other level takes "
          "what is missing, first attempts go to all of its endpoints: better than that the few "
          "that are left break down. When nothing is available at all, it is always so.",
          config::range(0, 100)),
      config::field<&BalanceConfig::load_reports>(
          "load_reports",
          "Weights follow what origins say of their load in `endpoint-load-metrics` fields (ORCA), "
          "which clients do not get. Not with `ring` and `maglev`."));
};

enum class UpstreamProtocol : std::uint8_t { automatic, http1, http2, fastcgi };

constexpr auto enum_names(UpstreamProtocol) {
  return std::array{
      config::Name{"auto", UpstreamProtocol::automatic,
                   "HTTP/2 where TLS endpoints agree to it (ALPN), else HTTP/1.1."},
      config::Name{"http1", UpstreamProtocol::http1, "HTTP/1.1."},
      config::Name{"http2", UpstreamProtocol::http2,
                   "HTTP/2: without TLS by prior knowledge, with TLS only where endpoints agree."},
      config::Name{"fastcgi", UpstreamProtocol::fastcgi,
                   "FastCGI, for routes with `fastcgi`: php-fpm and the like."}};
}

// As a configuration writes them.
Labels labels_of(const config::Map<std::string>& labels);

struct EndpointConfig {
  config::Located<config::Address> address;
  std::uint32_t weight = 1;
  std::uint32_t priority = 0;
  std::string zone;
  config::Map<std::string> labels;

  Placement placement() const;

  static constexpr auto schema = config::object(
      "endpoint", "An origin, or a host name that stands for several.",
      config::field<&EndpointConfig::address>(
          "address",
          "`10.0.0.1:80`, `[::1]:80`, `unix:/path`, a host name with a port, or "
          "`srv:_http._tcp.app.example` for a service whose records say hosts, ports and weights. "
          "Names are resolved again when their DNS records expire.",
          config::required, config::shorthand, config::host_names,
          config::example("10.0.0.1:8080")),
      config::field<&EndpointConfig::weight>(
          "weight", "Its share of the requests, compared with the other endpoints.",
          config::range(1, 1000)),
      config::field<&EndpointConfig::priority>(
          "priority",
          "Its level: 0 is used first, 1 for what level 0 cannot take because too few of it are "
          "available or all of it were tried, and so on.",
          config::range(0, 15)),
      config::field<&EndpointConfig::zone>(
          "zone",
          "Where it stands. If the process has a `zone` as well, endpoints of another one get what "
          "those of its own cannot take.",
          config::example("eu-1a")),
      config::field<&EndpointConfig::labels>("labels", "What a `subset` can choose it by.",
                                             config::example("{ version: v2 }")));
};

// Limits of the connections that one worker keeps open to one endpoint.
struct PoolConfig {
  std::uint32_t max_idle = 1024;
  config::Duration idle_timeout = std::chrono::seconds(60);
  std::optional<config::Duration> max_age;
  std::optional<std::uint32_t> max_requests;
  std::uint32_t max_streams = 100;

  static constexpr auto schema = config::object(
      "pool", "Connections that are kept open between requests.",
      config::field<&PoolConfig::max_idle>(
          "max_idle", "Idle connections that a worker keeps for an endpoint; 0 keeps none.",
          config::range(0, 100000)),
      config::field<&PoolConfig::idle_timeout>(
          "idle_timeout",
          "How long a connection may be idle. Keep it shorter than the origin's own limit.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
      config::field<&PoolConfig::max_age>(
          "max_age", "How old a connection may become before it is replaced.",
          config::none("unlimited"), config::at_least(std::chrono::milliseconds(1))),
      config::field<&PoolConfig::max_requests>("max_requests",
                                               "Requests after which a connection is replaced.",
                                               config::none("unlimited"), config::at_least(1)),
      config::field<&PoolConfig::max_streams>(
          "max_streams",
          "Requests at a time on one HTTP/2 connection; the endpoint may allow fewer.",
          config::range(1, 10000)));
};

struct UpstreamConfig {
  std::vector<EndpointConfig> endpoints;
  UpstreamProtocol protocol = UpstreamProtocol::automatic;
  BalanceConfig balance;
  std::optional<config::Duration> slow_start;
  config::Duration connect_timeout = std::chrono::seconds(5);
  config::Duration response_timeout = std::chrono::seconds(60);
  config::Duration idle_timeout = std::chrono::seconds(60);
  std::optional<UpstreamTlsConfig> tls;
  std::optional<ProxyProtocolVersion> proxy_protocol;
  PoolConfig pool;
  std::optional<StickyConfig> sticky;
  EndpointLimitsConfig endpoint_limits;
  RetriesConfig retries;
  std::optional<HealthConfig> health;
  std::optional<OutliersConfig> outliers = OutliersConfig();
  std::optional<BreakerConfig> breaker;
  std::optional<AdaptiveLimitConfig> adaptive_limit;
  std::optional<HedgeConfig> hedge;
  config::Position position;

  // What slow_start does is nothing that a hash could follow; a Unix socket has no port; FastCGI
  // is neither encrypted nor asked for its health by HTTP.
  void check(const config::Found& found) const;
  void check_fastcgi(const config::Found& found) const;
  // `zone`: where this process stands.
  BalancePolicy policy(const std::string& zone = {}) const;
  // Of requests as well, where each of them has a connection.
  EndpointLimits limits() const;

  static constexpr auto schema = config::object(
      "upstream", "A service behind the proxy: endpoints that answer alike.",
      config::field<&UpstreamConfig::endpoints>(
          "endpoints", "Where requests are sent.", config::required, config::at_least_one,
          config::one_or_many, config::example("[10.0.0.1:80, 10.0.0.2:80]")),
      config::field<&UpstreamConfig::protocol>("protocol",
                                               "What the endpoints are spoken to with."),
      config::field<&UpstreamConfig::balance>("balance", "How an endpoint is picked."),
      config::field<&UpstreamConfig::slow_start>(
          "slow_start",
          "How long the weight of an endpoint that is added grows from a tenth to all of it. Not "
          "with `ring` and `maglev`.",
          config::none("off"), config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
      config::field<&UpstreamConfig::connect_timeout>(
          "connect_timeout", "How long connecting may take.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(1))),
      config::field<&UpstreamConfig::response_timeout>(
          "response_timeout", "How long the head of the response may take.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
      config::field<&UpstreamConfig::idle_timeout>(
          "idle_timeout", "How long a body may stand still.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
      config::field<&UpstreamConfig::tls>("tls", "TLS with the endpoints.", config::none("off")),
      config::field<&UpstreamConfig::proxy_protocol>(
          "proxy_protocol",
          "Tells endpoints who the client is, by a PROXY header at the beginning of each "
          "connection. A "
          "connection is then one client's: HTTP requests share none, and go over HTTP/1.1.",
          config::none("off")),
      config::field<&UpstreamConfig::pool>("pool", "Connections kept open between requests."),
      config::field<&UpstreamConfig::sticky>("sticky", "Sticky sessions.", config::none("off")),
      config::field<&UpstreamConfig::endpoint_limits>("endpoint_limits",
                                                      "How much one endpoint gets at a time."),
      config::field<&UpstreamConfig::retries>("retries", "Repeating failed attempts."),
      config::field<&UpstreamConfig::health>(
          "health", "Checks of the endpoints; those that fail get no requests.",
          config::none("off"), config::example("{ path: /health, every: 5s, fail: 3, pass: 2 }")),
      config::field<&UpstreamConfig::outliers>(
          "outliers", "When an endpoint that fails requests gets none for a while.",
          config::none("off")),
      config::field<&UpstreamConfig::breaker>(
          "breaker", "When requests are refused at once, because the upstream is down or busy.",
          config::none("off")),
      config::field<&UpstreamConfig::adaptive_limit>(
          "adaptive_limit", "A limit of requests that is found by latency.", config::none("off")),
      config::field<&UpstreamConfig::hedge>("hedge", "A second request where a first is late.",
                                            config::none("off")));
};

}  // namespace weir

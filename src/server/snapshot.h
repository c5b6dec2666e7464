// Snapshot: everything that a configuration says, compiled, immutable, swapped as a whole.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/handler.h"
#include "http/service.h"
#include "http/trace.h"
#include "io/tls/profile.h"
#include "server/conditions.h"
#include "server/config.h"
#include "server/router.h"
#include "server/shared_listener.h"
#include "tunnel/tcp_plan.h"
#include "tunnel/udp_plan.h"
#include "upstream/health_check.h"
#include "upstream/upstream.h"

namespace weir {

/// One route, ready to answer. What every request reads of it lies in one line of the processor's
/// cache: with ten thousand routes it is in no cache.
struct alignas(64) Route {
  std::shared_ptr<const Handler> handler;  // shared by routes that say the same of it
  std::vector<const Middleware*> chain;    // top level, listener, route: outermost first
  bool require_client_certificate = false;
  std::optional<std::uint64_t> trace_share;  // nothing: of the whole configuration
  std::string name;
  Conditions conditions;
};

/// The routes of one listener and what is around them; itself the handler of every exchange.
class Site final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override;

  /// The route for a request, and why the others are not it.
  const Route* find(Exchange& exchange) const;
  std::vector<RouteExplanation> explain(Exchange& exchange) const;
  const Route& route_of(RouteId pattern) const { return routes[route_of_pattern[pattern]]; }

  std::vector<Route> routes;
  Router router;  // of patterns: a route with two hosts and three paths has six
  std::vector<std::uint32_t> route_of_pattern;
  std::shared_ptr<const TlsServerProfile> tls;  // of the listener; null: in clear

 private:
  bool misdirected(Exchange& exchange) const;
};

/// Whose connections begin with a PROXY header.
struct ProxyProtocolPlan {
  std::vector<IpNetwork> from;
  Duration timeout{};

  /// Of a Unix socket all do: whoever may use its file is trusted.
  bool expects(const Peer& peer) const;
};

/// What a configuration says about one listener.
struct ListenerPlan {
  ListenerKind kind = ListenerKind::http;
  std::string name;
  Address address;
  config::Position position;  // of the address, for what goes wrong with it
  SessionLimits limits;
  std::shared_ptr<const TlsServerProfile> tls;   // null: in clear
  std::uint32_t max_connections = 0;             // 0: unlimited
  std::uint32_t max_connections_per_client = 0;  // 0: unlimited
  std::optional<ProxyProtocolPlan> proxy_protocol;
  std::vector<IpNetwork> trusted;
  const Handler* handler = nullptr;  // a Site of this snapshot, or one that outlives it
  std::unique_ptr<Site> site;
  std::unique_ptr<Handler> redirect;    // in place of a site
  std::unique_ptr<Handler> gate;        // likewise, in front of what answers on the admin listener
  std::shared_ptr<const TcpPlan> tcp;   // in place of a handler
  std::shared_ptr<const UdpPlan> udp;   // likewise
  const TraceRules* tracing = nullptr;  // of this snapshot; null: off
  bool admin = false;  // tells about the process, and so answers until a drain is over
};

/// Whether a listener that is bound is the one of the plan. Where the kernel chose the port,
/// several may have the same address as configured: their names tell them apart.
inline bool same_listener(const ListenerPlan& plan, const SharedListener& bound) {
  const Address& address = bound.address;
  bool chosen = address.port() == 0 && address.family() != Address::Family::unix_path;
  return plan.kind == bound.kind && plan.address == address &&
         (!chosen || plan.name == bound.name());
}

class RateLimit;
class RedisStore;
struct TracingPlan;

struct Snapshot {
  std::uint64_t generation = 0;
  ServerConfig config;
  std::vector<std::unique_ptr<Middleware>> middlewares;
  Upstreams upstreams;
  std::vector<std::shared_ptr<RedisStore>> stores;
  std::vector<std::shared_ptr<RateLimit>> rate_limits;                      // those with names
  std::map<std::string, std::shared_ptr<const HealthCheck>> health_checks;  // by upstream
  std::shared_ptr<const TracingPlan> tracing;                               // null: off
  std::vector<std::unique_ptr<ListenerPlan>> listeners;

  const ListenerPlan* find_listener(const SharedListener& bound) const {
    for (const auto& plan : listeners) {
      if (same_listener(*plan, bound)) return plan.get();
    }
    return nullptr;
  }
};

}  // namespace weir

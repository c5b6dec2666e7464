#include "server/build_tcp.h"

namespace weir {
namespace {

class TcpBuilder {
 public:
  TcpBuilder(TunnelUpstreams& upstreams, TlsMaterials& tls, config::Diagnostics& diagnostics)
      : upstreams_(upstreams), tls_(tls), diagnostics_(diagnostics) {}

  std::unique_ptr<ListenerPlan> listener(const TcpConfig& config) {
    auto plan = std::make_unique<ListenerPlan>();
    plan->kind = ListenerKind::tcp;
    plan->name = config.label();
    plan->address = to_address(*config.address);
    plan->position = config.address.position;
    plan->limits.header_timeout = config.timeouts.hello;
    if (config.tls) plan->tls = terminate(*config.tls);
    plan->max_connections = config.limits.max_connections.value_or(0);
    plan->max_connections_per_client = config.limits.max_connections_per_client.value_or(0);
    plan->proxy_protocol = to_plan(config.proxy_protocol);
    auto tcp = std::make_shared<TcpPlan>(routes(config));
    tcp->intercept = config.intercept;
    tcp->keep_source = config.keep_source;
    tcp->idle_timeout = config.timeouts.idle;
    tcp->silence = config.timeouts.silence;
    tcp->hello_timeout = config.timeouts.hello;
    tcp->drain_timeout = config.timeouts.drain;
    plan->tcp = std::move(tcp);
    return plan;
  }

 private:
  std::vector<TcpRoute> routes(const TcpConfig& config) {
    if (!config.routes || config.routes->empty()) return {{{}, upstream(*config.upstream)}};
    std::vector<TcpRoute> routes;
    for (const TcpRouteConfig& route : *config.routes) {
      routes.push_back({{to_networks(route.match.from), to_networks(route.match.to),
                         route.match.port, route.match.protocol, route.match.sni, route.match.alpn},
                        upstream(*route.upstream)});
    }
    return routes;
  }

  // Null: to where the client was going.
  std::shared_ptr<const TunnelUpstream> upstream(const std::string& name) {
    return name.empty() ? nullptr : upstreams_.get(name);
  }

  std::shared_ptr<const TlsServerProfile> terminate(const TcpTlsConfig& config) {
    ListenerTlsConfig common;
    common.certificates = config.certificates;
    common.profile = config.profile;
    common.client_auth = config.client_auth;
    common.ticket_keys = config.ticket_keys;
    common.ocsp_stapling = config.ocsp_stapling;
    return tls_.server(common, config.alpn, {}, diagnostics_);
  }

  TunnelUpstreams& upstreams_;
  TlsMaterials& tls_;
  config::Diagnostics& diagnostics_;
};

}  // namespace

void build_tcp_listeners(Snapshot& snapshot, TunnelUpstreams& upstreams, TlsMaterials& tls,
                         config::Diagnostics& diagnostics) {
  TcpBuilder builder(upstreams, tls, diagnostics);
  for (const TcpConfig& config : snapshot.config.tcp) {
    snapshot.listeners.push_back(builder.listener(config));
  }
}

}  // namespace weir

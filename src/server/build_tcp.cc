#include "server/build_tcp.h"

#include <map>

namespace weir {
namespace {

class TcpBuilder {
 public:
  TcpBuilder(Snapshot& snapshot, const ClusterSource& clusters, TlsMaterials& tls,
             config::Diagnostics& diagnostics)
      : snapshot_(snapshot), clusters_(clusters), tls_(tls), diagnostics_(diagnostics) {}

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
    tcp->idle_timeout = config.timeouts.idle;
    tcp->silence = config.timeouts.silence;
    tcp->hello_timeout = config.timeouts.hello;
    tcp->drain_timeout = config.timeouts.drain;
    plan->tcp = std::move(tcp);
    return plan;
  }

 private:
  std::vector<TcpRoute> routes(const TcpConfig& config) {
    if (!config.routes) return {{{}, upstream(*config.upstream)}};
    std::vector<TcpRoute> routes;
    for (const TcpRouteConfig& route : *config.routes) {
      routes.push_back(
          {{to_networks(route.match.from), route.match.protocol, route.match.sni, route.match.alpn},
           upstream(*route.upstream)});
    }
    return routes;
  }

  // One for each name: its endpoints offer no protocol of HTTP's by themselves.
  std::shared_ptr<const TunnelUpstream> upstream(const std::string& name) {
    std::shared_ptr<const TunnelUpstream>& known = upstreams_[name];
    if (known) return known;
    const UpstreamConfig& config = *snapshot_.config.upstreams.find(name);
    auto made = std::make_shared<TunnelUpstream>();
    made->cluster = clusters_(name);
    made->balance = config.policy(snapshot_.config.zone);
    made->connect_timeout = config.connect_timeout;
    made->attempts = config.retries.attempts;
    if (config.outliers) made->outliers = config.outliers->policy();
    if (config.breaker) made->admission.breaker = config.breaker->policy();
    if (config.adaptive_limit) made->admission.adaptive = config.adaptive_limit->policy();
    if (config.tls) made->tls = tls_.client(*config.tls, {}, diagnostics_);
    made->proxy_protocol = config.proxy_protocol;
    return known = std::move(made);
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

  Snapshot& snapshot_;
  const ClusterSource& clusters_;
  TlsMaterials& tls_;
  config::Diagnostics& diagnostics_;
  std::map<std::string, std::shared_ptr<const TunnelUpstream>> upstreams_;
};

}  // namespace

void build_tcp_listeners(Snapshot& snapshot, const ClusterSource& clusters, TlsMaterials& tls,
                         config::Diagnostics& diagnostics) {
  TcpBuilder builder(snapshot, clusters, tls, diagnostics);
  for (const TcpConfig& config : snapshot.config.tcp) {
    snapshot.listeners.push_back(builder.listener(config));
  }
}

}  // namespace weir

#include "server/build.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "config/dump.h"
#include "expression/header_edits.h"
#include "middleware/builtin.h"
#include "middleware/headers.h"
#include "middleware/rate_limit/limit.h"
#include "server/admin_gate.h"
#include "server/build_tcp.h"
#include "server/build_tracing.h"
#include "server/build_udp.h"
#include "server/https_redirect.h"
#include "server/sticky_keys.h"
#include "store/redis.h"

namespace weir {
namespace {

std::shared_ptr<const StickyCookie> cookie_of(const StickyConfig& config) {
  return std::make_shared<const StickyCookie>(
      StickyCookie{config.cookie, config.path, config.same_site, config.max_age});
}

UpstreamOptions options_of(const UpstreamConfig& config, const std::string& zone,
                           unsigned workers) {
  UpstreamOptions options;
  options.balance = config.policy(zone);
  if (config.sticky) options.sticky = cookie_of(*config.sticky);
  options.limits = config.limits();
  options.proxy_protocol = config.proxy_protocol;
  options.protocol = config.proxy_protocol ? UpstreamProtocol::http1 : config.protocol;
  options.connect_timeout = config.connect_timeout;
  options.exchange.response_timeout = config.response_timeout;
  options.exchange.idle_timeout = config.idle_timeout;
  options.exchange.head.head_bytes = 256 * 1024;
  options.exchange.head.header_count = 1000;
  options.session.fields.list_bytes = options.exchange.head.head_bytes;
  options.session.fields.count = options.exchange.head.header_count;
  options.session.http2.continuations = 16;  // of 16 KiB each
  options.session.http2.streams = config.pool.max_streams;
  options.pool.max_idle = config.proxy_protocol ? 0 : config.pool.max_idle;
  options.pool.idle_timeout = config.pool.idle_timeout;
  options.pool.max_age = config.pool.max_age.value_or(Duration::zero());
  options.pool.max_requests = config.pool.max_requests.value_or(0);
  options.pool.counted = options.limits.connections();
  options.retries = retry_policy(config.retries, config.hedge);
  if (config.outliers) options.outliers = config.outliers->policy();
  if (config.breaker) options.admission.breaker = config.breaker->policy();
  if (config.adaptive_limit) options.admission.adaptive = config.adaptive_limit->policy();
  options.share_connections = workers > 1;
  return options;
}

SessionLimits limits_of(const ListenerConfig& config) {
  SessionLimits limits;
  limits.head.head_bytes = static_cast<std::uint32_t>(config.limits.max_head_bytes.bytes);
  limits.head.header_count = static_cast<std::uint16_t>(config.limits.max_headers);
  limits.header_timeout = config.timeouts.header;
  limits.idle_timeout = config.timeouts.idle;
  limits.tunnel_idle = config.timeouts.tunnel;
  limits.rate_grace = config.min_rate.grace;
  limits.min_rate = static_cast<std::uint32_t>(config.min_rate.per_second.bytes);
  if (config.tls && config.tls->hsts) limits.hsts = header_value(*config.tls->hsts);
  limits.half_close_keep = config.half_close == HalfClose::keep;
  if (config.limits.max_body_bytes) limits.max_body_bytes = config.limits.max_body_bytes->bytes;
  return limits;
}

std::vector<std::string> alpn_of(UpstreamProtocol protocol) {
  std::vector<std::string> names;
  if (protocol != UpstreamProtocol::http1) names.emplace_back("h2");
  if (protocol != UpstreamProtocol::http2) names.emplace_back("http/1.1");
  return names;
}

std::vector<std::string> alpn_of(const ListenerTlsConfig& config) {
  if (!config.http2) return {"http/1.1"};
  return {"h2", "http/1.1"};
}

RedisSettings settings_of(const std::string& name, const RedisConfig& config) {
  return {name,          to_address(*config.address), config.user, config.password, config.database,
          config.timeout};
}

// Clients that stall are bounded in number, in time and in memory.
constexpr std::uint32_t kMostAdminConnections = 256;
constexpr Duration kAdminIdle = std::chrono::seconds(30);
constexpr std::uint64_t kMostAdminBody = 4u << 20;

class Builder {
 public:
  Builder(Snapshot& snapshot, const SnapshotSources& sources, config::Diagnostics& diagnostics)
      : snapshot_(snapshot),
        sources_(sources),
        tls_(sources.tls),
        diagnostics_(diagnostics),
        parts_{snapshot.upstreams, sources.states, declared_, diagnostics, {}} {}

  // One with other settings is another one.
  void declare_stores() {
    for (const auto& each : snapshot_.config.stores) {
      RedisSettings settings = settings_of(each.name, each.value.redis);
      if (const auto& tls = each.value.redis.tls)
        settings.tls = tls_.client(*tls, {}, diagnostics_);
      auto make = [&] { return std::make_shared<RedisStore>(std::move(settings)); };
      auto store = sources_.states.get<RedisStore>(settings.text(), make);
      snapshot_.stores.push_back(parts_.declared.get<RedisStore>(each.name, [&] { return store; }));
    }
  }

  void declare_limits() {
    for (const auto& limit : snapshot_.config.rate_limits) {
      snapshot_.rate_limits.push_back(declare_rate_limit(limit.name, limit.value, parts_));
    }
  }

  void build_upstreams() {
    for (const auto& entry : snapshot_.config.upstreams) {
      UpstreamOptions options = options_of(entry.value, snapshot_.config.zone, sources_.workers);
      if (entry.value.sticky) options.balance.alias_keys = alias_keys(entry.value.sticky->key_file);
      if (entry.value.tls)
        options.tls = tls_.client(*entry.value.tls, alpn_of(options.protocol), diagnostics_);
      if (goes_by_key(options.balance.algorithm)) options.key = make_key(entry.value.balance.key);
      options.pool.tls = options.tls.get();
      if (entry.value.health) {
        snapshot_.health_checks.emplace(
            entry.name, make_health_check(*entry.value.health, entry.name, options, diagnostics_));
      }
      snapshot_.upstreams.emplace(
          entry.name,
          std::make_shared<Upstream>(sources_.clusters(entry.name), std::move(options)));
    }
  }

  void build_listeners() {
    const ServerConfig& config = snapshot_.config;
    std::vector<const Middleware*> outermost = make_chain(config.use, "top level");
    for (const ListenerConfig& listener : config.listeners) {
      auto plan = std::make_unique<ListenerPlan>();
      plan->name = listener.label();
      plan->address = to_address(*listener.address);
      plan->position = listener.address.position;
      plan->limits = limits_of(listener);
      if (listener.tls) {
        plan->tls = tls_.server(*listener.tls, alpn_of(*listener.tls),
                                names_asked(routes_of(config, listener)), diagnostics_);
      }
      plan->max_connections = listener.limits.max_connections.value_or(0);
      plan->max_connections_per_client = listener.limits.max_connections_per_client.value_or(0);
      plan->proxy_protocol = to_plan(listener.proxy_protocol);
      plan->trusted = to_networks(listener.trusted_proxies);
      if (snapshot_.tracing) plan->tracing = &snapshot_.tracing->rules;
      if (listener.redirect_https) {
        plan->redirect = std::make_unique<HttpsRedirect>(*listener.redirect_https);
        plan->handler = plan->redirect.get();
      } else {
        std::vector<const Middleware*> around = outermost;
        append(around, make_chain(listener.use, "listener " + plan->name));
        plan->site = make_site(listener, around);
        plan->site->tls = plan->tls;
        plan->handler = plan->site.get();
      }
      snapshot_.listeners.push_back(std::move(plan));
    }
  }

  void build_admin(const Handler& admin) {
    if (!snapshot_.config.admin) return;
    const AdminConfig& config = *snapshot_.config.admin;
    auto plan = std::make_unique<ListenerPlan>();
    plan->name = "admin";
    plan->address = to_address(*config.address);
    plan->position = config.address.position;
    plan->gate = std::make_unique<AdminGate>(config, admin, diagnostics_);
    plan->handler = plan->gate.get();
    plan->admin = true;
    plan->max_connections = kMostAdminConnections;
    plan->limits.idle_timeout = kAdminIdle;
    plan->limits.max_body_bytes = kMostAdminBody;
    if (config.tls) {
      plan->tls = tls_.server(*config.tls, alpn_of(*config.tls), std::nullopt, diagnostics_);
    }
    snapshot_.listeners.push_back(std::move(plan));
  }

 private:
  static void append(std::vector<const Middleware*>& to,
                     const std::vector<const Middleware*>& more) {
    to.insert(to.end(), more.begin(), more.end());
  }

  std::vector<std::string> alias_keys(const config::Located<std::string>& file) {
    if (file->empty()) return {};
    auto keys = read_sticky_keys(*file);
    if (keys) return *keys;
    diagnostics_.error(file.position, config::Code::unreadable_reference,
                       fmt::format("{}: {}", *file, keys.error()));
    return {};
  }

  std::shared_ptr<const expression::Key> make_key(
      const std::vector<config::Located<std::string>>& values) {
    auto key = std::make_shared<expression::Key>();
    for (const auto& value : values) {
      auto added = key->add(*value, expression::Stage::route);
      if (!added) report(added.error(), value.position, diagnostics_);
    }
    return key;
  }

  // `place`: of the chain.
  std::vector<const Middleware*> make_chain(const std::vector<config::Module>& modules,
                                            const std::string& place) {
    std::vector<const Middleware*> chain;
    std::map<std::string_view, int> numbers;
    for (const config::Module& module : modules) {
      int number = ++numbers[module.type->name];
      parts_.place = number == 1 ? place : fmt::format("{} #{}", place, number);
      keep(make_middleware(module, parts_), chain);
    }
    return chain;
  }

  // Routes that say the same of their handler share it: what requests read of it is then in the
  // cache whatever the number of routes.
  std::shared_ptr<const Handler> handler_of(const config::Module& module) {
    auto& known = handlers_[config::dump_json(module, config::Secrets::shown)];
    if (!known) known = make_handler(module, parts_);
    return known;
  }

  void keep(std::unique_ptr<Middleware> made, std::vector<const Middleware*>& chain) {
    if (!made) return;
    chain.push_back(made.get());
    snapshot_.middlewares.push_back(std::move(made));
  }

  // Routes that several listeners serve have one place, those of a single one their own.
  std::unique_ptr<Site> make_site(const ListenerConfig& listener,
                                  const std::vector<const Middleware*>& around) {
    auto site = std::make_unique<Site>();
    RouterBuilder router;
    for (const RouteConfig& config : routes_of(snapshot_.config, listener)) {
      Route route;
      route.name = name_of(config);
      std::string place = "route " + route.name;
      if (listener.routes) place = "listener " + listener.label() + " " + place;
      route.conditions = Conditions(config.match, diagnostics_);
      route.chain = around;
      append(route.chain, make_chain(config.use, place));
      if (!config.request_headers.empty() || !config.response_headers.empty()) {
        keep(std::make_unique<HeadersMiddleware>(
                 HeadersConfig{config.request_headers, config.response_headers}, diagnostics_),
             route.chain);
      }
      route.handler = handler_of(config.handler);
      route.require_client_certificate = *config.require_client_certificate;
      if (config.trace_percent) route.trace_share = trace_share(*config.trace_percent / 100);
      add_patterns(config.match, route.conditions.count(), *site, router);
      site->routes.push_back(std::move(route));
    }
    site->router = std::move(router).build();
    return site;
  }

  // Every host with every path. The texts were checked when the configuration was read.
  void add_patterns(const MatchConfig& match, std::uint32_t conditions, Site& site,
                    RouterBuilder& router) {
    std::vector<HostPattern> hosts;
    for (const auto& host : match.host) {
      if (auto parsed = parse_host_pattern(*host)) hosts.push_back(*parsed);
    }
    if (match.host.empty()) hosts.emplace_back();
    std::vector<PathPattern> paths;
    for (const auto& path : match.path) {
      if (auto parsed = parse_path_pattern(*path)) paths.push_back(*parsed);
    }
    for (const auto& regex : match.path_regex) {
      if (auto parsed = parse_path_regex(*regex)) paths.push_back(*parsed);
    }
    if (match.path.empty() && match.path_regex.empty()) paths.emplace_back();
    auto route = static_cast<std::uint32_t>(site.routes.size());
    for (const HostPattern& host : hosts) {
      for (const PathPattern& path : paths) {
        router.add({host, path, conditions});
        site.route_of_pattern.push_back(route);
      }
    }
  }

  // The hosts of routes that demand a client certificate; nothing if one is for every host.
  static std::optional<std::vector<std::string>> names_asked(
      const std::vector<RouteConfig>& routes) {
    std::vector<std::string> names;
    for (const RouteConfig& route : routes) {
      if (!*route.require_client_certificate) continue;
      if (route.match.host.empty()) return std::nullopt;
      for (const auto& host : route.match.host) {
        auto pattern = parse_host_pattern(*host);
        if (!pattern || pattern->kind == HostPattern::Kind::any) return std::nullopt;
        bool wildcard = pattern->kind == HostPattern::Kind::wildcard;
        names.push_back((wildcard ? "*." : "") + pattern->text);
      }
    }
    return names;
  }

  static std::string name_of(const RouteConfig& config) {
    if (!config.name->empty()) return *config.name;
    std::string host = config.match.host.empty() ? "*" : *config.match.host.front();
    std::string path = "/*";
    if (!config.match.path_regex.empty()) path = *config.match.path_regex.front();
    if (!config.match.path.empty()) path = *config.match.path.front();
    return host + path;
  }

  Snapshot& snapshot_;
  const SnapshotSources& sources_;
  TlsMaterials& tls_;
  config::Diagnostics& diagnostics_;
  NamedStates declared_;
  BuildParts parts_;
  std::map<std::string, std::shared_ptr<const Handler>> handlers_;  // by their options
};

}  // namespace

Address to_address(const config::Address& address) {
  using Kind = config::Address::Kind;
  IpAddress ip;
  switch (address.kind) {
    case Kind::unix_socket: return Address::unix_socket(address.host);
    case Kind::ipv4:
      ip.v4 = true;
      std::memcpy(ip.bytes.data() + 12, address.ip.data(), 4);
      break;
    case Kind::ipv6: ip.bytes = address.ip; break;
    case Kind::any:
    case Kind::name:
    case Kind::service: break;
  }
  return Address(ip, address.port);
}

std::vector<IpNetwork> to_networks(const std::vector<config::Network>& networks) {
  std::vector<IpNetwork> result;
  for (const config::Network& network : networks) {
    IpNetwork& each = result.emplace_back();
    each.base.v4 = !network.v6;
    std::memcpy(each.base.bytes.data() + (network.v6 ? 0 : 12), network.ip.data(),
                network.v6 ? 16 : 4);
    each.prefix = network.prefix;
  }
  return result;
}

std::optional<ProxyProtocolPlan> to_plan(const std::optional<ProxyProtocolConfig>& config) {
  if (!config) return std::nullopt;
  return ProxyProtocolPlan{to_networks(config->from), config->timeout};
}

std::unique_ptr<Snapshot> build_snapshot(ServerConfig config, const SnapshotSources& sources,
                                         config::Diagnostics& diagnostics) {
  auto snapshot = std::make_unique<Snapshot>();
  snapshot->config = std::move(config);
  Builder builder(*snapshot, sources, diagnostics);
  builder.build_upstreams();
  builder.declare_stores();
  builder.declare_limits();
  if (snapshot->config.tracing && diagnostics.ok()) snapshot->tracing = tracing_plan(*snapshot);
  builder.build_listeners();
  TunnelUpstreams tunnels(*snapshot, sources.clusters, sources.tls, diagnostics);
  build_tcp_listeners(*snapshot, tunnels, sources.tls, diagnostics);
  build_udp_listeners(*snapshot, tunnels);
  if (sources.admin != nullptr) builder.build_admin(*sources.admin);
  if (!diagnostics.ok()) return nullptr;
  return snapshot;
}

}  // namespace weir

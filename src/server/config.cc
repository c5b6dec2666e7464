#include "server/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "config/suggest.h"
#include "handler/fastcgi_config.h"
#include "handler/reverse_proxy_config.h"
#include "http/syntax.h"
#include "middleware/forward_auth_config.h"
#include "server/route_pattern.h"

namespace weir {

using config::Code;
using config::Diagnostics;
using config::Position;
using config::Problem;

std::optional<Problem> check_host_pattern(std::string_view text) {
  auto pattern = parse_host_pattern(text);
  if (pattern) return std::nullopt;
  return Problem{Code::bad_text,
                 fmt::format("\"{}\" is no host pattern: {}", text, pattern.error().message),
                 "write a name, or *.example for every name below it"};
}

std::optional<Problem> check_path_pattern(std::string_view text) {
  auto pattern = parse_path_pattern(text);
  if (pattern) return std::nullopt;
  return Problem{Code::bad_text,
                 fmt::format("\"{}\" is no path pattern: {}", text, pattern.error().message),
                 "write /a for one path, or /a/* for everything below it"};
}

std::optional<Problem> check_path_regex(std::string_view text) {
  auto pattern = parse_path_regex(text);
  if (pattern) return std::nullopt;
  return Problem{
      Code::bad_regex,
      fmt::format("\"{}\" is no regular expression of RE2: {}", text, pattern.error().message),
      {}};
}

std::optional<Problem> check_method(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  if (is_token(text) && upper == text) return std::nullopt;
  return Problem{Code::bad_text, fmt::format("\"{}\" is not a method", text),
                 is_token(text) ? fmt::format("methods are case-sensitive; write {}", upper)
                                : "write it like GET or POST"};
}

void ListenerConfig::check(const config::Found& found) const {
  if (!redirect_https) return;
  for (auto [other, there] : {std::pair{"tls", tls.has_value()}, {"routes", routes.has_value()}}) {
    if (!there) continue;
    found.error("redirect_https", Code::contradiction,
                fmt::format("a listener with \"redirect_https\" has no \"{}\"", other),
                "it sends every client to another listener, and does nothing else");
  }
}

void AccessLogConfig::check(const config::Found& found) const {
  if (!syslog || !found.given("file")) return;
  found.error("file", Code::contradiction, "the access log goes to a file or to a syslog server",
              "remove \"file\" or \"syslog\"");
}

void ServerConfig::check(const config::Found& found) const {
  if (!listeners.empty() || !tcp.empty() || !udp.empty()) return;
  found.error("listeners", found.given("listeners") ? Code::empty_list : Code::missing_key,
              "there is no listener: \"listeners\", \"tcp\" and \"udp\" are missing or empty",
              "for example: listeners: [\":8080\"]");
}

void MatchConfig::check(const config::Found& found) const {
  if (path.empty() || path_regex.empty()) return;
  found.error("path_regex", Code::contradiction,
              "a route matches by \"path\" or by \"path_regex\", not by both",
              "keep one of them, or write two routes");
}

namespace {

// Comparing a name with thousands of others takes its time, and only so many errors are shown.
constexpr std::size_t kMostSuggestions = 100;

// Judges what a single value cannot know: how the parts of the configuration fit together.
class CrossCheck {
 public:
  CrossCheck(const ServerConfig& config, Diagnostics& diagnostics)
      : config_(config), diagnostics_(diagnostics) {
    for (const auto& upstream : config.upstreams) upstreams_.insert(upstream.name);
  }

  void run() {
    check_listeners();
    if (config_.tracing) check_upstream(config_.tracing->collector);
    check_middlewares(config_.use);
    check_routes(config_.routes);
    for (const ListenerConfig& listener : config_.listeners) {
      check_middlewares(listener.use);
      if (listener.routes) check_routes(*listener.routes);
    }
    // After an error it is not known what else would be used.
    if (diagnostics_.ok()) warn();
  }

 private:
  using Claims = std::vector<std::pair<config::Address, Position>>;

  void claim(const config::Address& address, Position position, Claims& claimed);
  void warn();
  void warn_of_order(const ListenerConfig& listener);
  void check_listeners();
  void check_tcp(const TcpConfig& listener);
  void check_udp(const UdpConfig& listener);
  void check_key(const config::Located<std::string>& name, std::string_view kind);
  void claim_name(const config::Located<std::string>& name);
  void check_routes(const std::vector<RouteConfig>& routes);
  void check_client_auth(const ListenerConfig& listener);
  void check_upstreams(const ReverseProxyConfig& proxy);
  void check_middlewares(const std::vector<config::Module>& use);
  void check_upstream(const config::Located<std::string>& name, bool fastcgi = false);
  void check_protocol(const config::Located<std::string>& name, bool fastcgi);

  const ServerConfig& config_;
  Diagnostics& diagnostics_;
  std::set<std::string_view> upstreams_;
  std::set<std::string_view> used_;
  Claims claimed_;                         // of TCP, and paths
  Claims claimed_udp_;                     // UDP has ports of its own
  std::map<std::string, Position> names_;  // of listeners
  std::set<const config::Module*> warned_;
};

// Two addresses that cannot both be bound. `:80` takes the port of every address.
bool collide(const config::Address& a, const config::Address& b) {
  using Kind = config::Address::Kind;
  if (a.kind == Kind::unix_socket || b.kind == Kind::unix_socket) return a == b;
  if (a.port != b.port || a.port == 0) return false;
  const auto covers = [](const config::Address& whole, const config::Address& part) {
    if (whole.kind == Kind::any) return true;
    const bool zero = whole.ip == decltype(whole.ip){};
    return zero && whole.kind == part.kind;
  };
  return a == b || covers(a, b) || covers(b, a);
}

void CrossCheck::claim(const config::Address& address, Position position, Claims& claimed) {
  for (const auto& [other, where] : claimed) {
    if (!collide(address, other)) continue;
    diagnostics_.error(position, Code::duplicate_listener,
                       fmt::format("the address {} is already taken by {} on line {}",
                                   address.text(), other.text(), where.line),
                       "each listener needs an address or port of its own");
    return;
  }
  claimed.emplace_back(address, position);
}

void CrossCheck::warn() {
  for (const ListenerConfig& listener : config_.listeners) {
    if (listener.redirect_https || !routes_of(config_, listener).empty()) continue;
    diagnostics_.warning(listener.address.position, Code::no_routes,
                         fmt::format("the listener {} has no routes", listener.label()),
                         "every request to it is answered with 404");
  }
  for (const ListenerConfig& listener : config_.listeners) warn_of_order(listener);
  for (const auto& upstream : config_.upstreams) {
    if (used_.contains(upstream.name)) continue;
    diagnostics_.warning(upstream.position, Code::unused,
                         fmt::format("no route uses the upstream \"{}\"", upstream.name));
  }
}

// Of a route whose cache stands inside of what compresses; once for each cache that is written
// down.
void CrossCheck::warn_of_order(const ListenerConfig& listener) {
  for (const RouteConfig& route : routes_of(config_, listener)) {
    bool compresses = false;
    for (const auto* use : {&config_.use, &listener.use, &route.use}) {
      for (const config::Module& module : *use) {
        compresses = compresses || module.type->name == "compress";
        if (!compresses || module.type->name != "cache") continue;
        if (!warned_.insert(&module).second) continue;
        diagnostics_.warning(module.position, Code::wasteful_order,
                             "a \"compress\" around this cache compresses the same response again "
                             "for each hit",
                             "write [cache, compress], and the cache keeps what was compressed");
      }
    }
  }
}

void CrossCheck::check_listeners() {
  if (config_.admin) claim(*config_.admin->address, config_.admin->address.position, claimed_);
  for (const ListenerConfig& listener : config_.listeners) {
    claim(*listener.address, listener.address.position, claimed_);
    check_client_auth(listener);
    claim_name(listener.name);
  }
  for (const TcpConfig& listener : config_.tcp) {
    claim(*listener.address, listener.address.position, claimed_);
    claim_name(listener.name);
    check_tcp(listener);
  }
  for (const UdpConfig& listener : config_.udp) {
    claim(*listener.address, listener.address.position, claimed_udp_);
    claim_name(listener.name);
    check_udp(listener);
  }
}

void CrossCheck::claim_name(const config::Located<std::string>& name) {
  if (name->empty()) return;
  const auto [other, fresh] = names_.emplace(*name, name.position);
  if (fresh) return;
  diagnostics_.error(name.position, Code::duplicate_name,
                     fmt::format("the name \"{}\" is already taken by a listener on line {}", *name,
                                 other->second.line));
}

void CrossCheck::check_tcp(const TcpConfig& listener) {
  auto check = [this](const config::Located<std::string>& name) {
    check_upstream(name);
    check_key(name, "tcp");
  };
  if (!listener.routes) {
    if (!listener.upstream->empty()) check(listener.upstream);
    return;
  }
  for (const TcpRouteConfig& route : *listener.routes) {
    if (!route.upstream->empty()) {
      check(route.upstream);
    } else if (listener.intercept == Intercept::none) {
      diagnostics_.error(route.position, Code::missing_key,
                         "this route has nowhere to send connections",
                         "give it an \"upstream\"; only what a listener intercepts can go on "
                         "without");
    }
  }
}

void CrossCheck::check_udp(const UdpConfig& listener) {
  const config::Located<std::string>& name = listener.upstream;
  check_upstream(name);
  check_key(name, "udp");
  const UpstreamConfig* upstream = config_.upstreams.find(*name);
  if (upstream == nullptr) return;
  if (upstream->tls || upstream->proxy_protocol) {
    diagnostics_.error(name.position, Code::contradiction,
                       fmt::format("\"{}\" has {}, which datagrams cannot have", *name,
                                   upstream->tls ? "\"tls\"" : "\"proxy_protocol\""),
                       "make an upstream of its own for udp");
  }
  auto is_file = [](const EndpointConfig& endpoint) {
    return endpoint.address->kind == config::Address::Kind::unix_socket;
  };
  if (std::ranges::any_of(upstream->endpoints, is_file)) {
    diagnostics_.error(name.position, Code::contradiction,
                       fmt::format("\"{}\" has an endpoint that is a Unix socket", *name),
                       "UDP needs addresses with ports");
  }
}

// Of what is no request only the client's address is known.
void CrossCheck::check_key(const config::Located<std::string>& name, std::string_view kind) {
  const UpstreamConfig* upstream = config_.upstreams.find(*name);
  if (upstream == nullptr || !goes_by_key(upstream->balance.algorithm)) return;
  const auto& key = upstream->balance.key;
  if (key.size() == 1 && *key.front() == "client_ip") return;
  diagnostics_.error(
      name.position, Code::contradiction,
      fmt::format("\"{}\" goes by a key that only requests have", *name),
      fmt::format("for {}, leave out the key: the client's address is the default", kind));
}

void CrossCheck::check_client_auth(const ListenerConfig& listener) {
  if (!listener.tls || listener.tls->client_auth) return;
  for (const RouteConfig& route : routes_of(config_, listener)) {
    if (!*route.require_client_certificate) continue;
    diagnostics_.error(
        route.require_client_certificate.position, Code::contradiction,
        fmt::format("the listener {} asks no client for a certificate", listener.label()),
        "give its tls a \"client_auth\" with the authority that signs them");
    return;
  }
}

void CrossCheck::check_routes(const std::vector<RouteConfig>& routes) {
  std::map<std::string, Position> names;
  for (const RouteConfig& route : routes) {
    check_middlewares(route.use);
    if (route.handler && route.handler.type->name == ReverseProxyConfig::schema.name) {
      check_upstreams(route.handler.as<ReverseProxyConfig>());
    }
    if (route.handler && route.handler.type->name == FastCgiConfig::schema.name) {
      check_upstream(route.handler.as<FastCgiConfig>().upstream, /*fastcgi=*/true);
    }
    if (route.name->empty()) continue;
    const auto [other, fresh] = names.emplace(*route.name, route.name.position);
    if (fresh) continue;
    diagnostics_.error(route.name.position, Code::duplicate_name,
                       fmt::format("the name \"{}\" is already taken by a route on line {}",
                                   *route.name, other->second.line));
  }
}

void CrossCheck::check_middlewares(const std::vector<config::Module>& use) {
  for (const config::Module& each : use) {
    if (!each || each.type->name != ForwardAuthConfig::schema.name) continue;
    check_upstream(each.as<ForwardAuthConfig>().upstream);
  }
}

void CrossCheck::check_upstreams(const ReverseProxyConfig& proxy) {
  for (const config::Located<std::string>* name : proxy.upstreams()) check_upstream(*name);
  if (proxy.mirror) check_upstream(proxy.mirror->upstream);
  std::map<std::string_view, Position> entries;
  for (const SplitEntryConfig& entry : proxy.split) {
    const auto [other, fresh] = entries.emplace(*entry.upstream, entry.upstream.position);
    if (fresh) continue;
    diagnostics_.error(entry.upstream.position, Code::duplicate_name,
                       fmt::format("the split has an entry for \"{}\" already, on line {}",
                                   *entry.upstream, other->second.line),
                       "one entry has both a weight and a \"when\"");
  }
}

// What speaks HTTP and what speaks FastCGI do not understand each other.
void CrossCheck::check_protocol(const config::Located<std::string>& name, bool fastcgi) {
  const UpstreamConfig* upstream = config_.upstreams.find(*name);
  bool speaks = upstream->protocol == UpstreamProtocol::fastcgi;
  if (speaks == fastcgi) return;
  diagnostics_.error(
      name.position, Code::contradiction,
      fmt::format("the upstream \"{}\" {} FastCGI", *name, speaks ? "speaks" : "does not speak"),
      fastcgi ? "write `protocol: fastcgi` there"
              : "requests for it are the matter of a route with `fastcgi`");
}

void CrossCheck::check_upstream(const config::Located<std::string>& name, bool fastcgi) {
  if (upstreams_.contains(*name)) {
    used_.insert(*name);
    return check_protocol(name, fastcgi);
  }
  std::string help;
  if (upstreams_.empty()) {
    help = "define it under the top-level key \"upstreams\"";
  } else if (diagnostics_.error_count() < kMostSuggestions) {
    help = config::suggestion(*name, std::vector(upstreams_.begin(), upstreams_.end()));
  }
  diagnostics_.error(name.position, Code::unknown_upstream,
                     fmt::format("no upstream is named \"{}\"", *name), std::move(help));
}

}  // namespace

ServerConfig parse_server_config(const config::Document& document, Diagnostics& diagnostics) {
  auto result = config::parse<ServerConfig>(document, diagnostics);
  // After a syntax error, what seems to be missing may stand in the part that was not read.
  if (document.complete()) CrossCheck(result, diagnostics).run();
  return result;
}

}  // namespace weir

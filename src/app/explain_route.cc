#include "app/explain_route.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "expression/exchange_facts.h"
#include "expression/expression.h"
#include "handler/redirect_config.h"
#include "handler/respond_config.h"
#include "handler/reverse_proxy_config.h"
#include "handler/static_files_config.h"

namespace weir {
namespace {

constexpr std::size_t kMostOthers = 50;  // routes that are told about beside the chosen one

/// The verdict on a route: the best of those on its patterns.
struct Judged {
  std::uint32_t route;
  RouteVerdict verdict;
  RouteId pattern;
};

int rank(RouteVerdict verdict) {
  switch (verdict) {
    case RouteVerdict::chosen: return 0;
    case RouteVerdict::outranked: return 1;
    case RouteVerdict::conditions: return 2;
    case RouteVerdict::path: return 3;
    case RouteVerdict::host: return 4;
  }
  return 5;
}

/// In the order of precedence.
std::vector<Judged> judge(const Site& site, Exchange& exchange) {
  std::vector<Judged> judged;
  std::vector<std::optional<std::size_t>> at(site.routes.size());
  for (const RouteExplanation& each : site.explain(exchange)) {
    std::uint32_t route = site.route_of_pattern[each.id];
    if (!at[route]) {
      at[route] = judged.size();
      judged.push_back({route, each.verdict, each.id});
    } else if (rank(each.verdict) < rank(judged[*at[route]].verdict)) {
      judged[*at[route]] = {route, each.verdict, each.id};
    }
  }
  return judged;
}

template <class List>
std::string either(const List& list) {
  std::vector<std::string> texts;
  for (const auto& each : list) {
    if constexpr (std::is_convertible_v<decltype(each), std::string>) {
      texts.push_back(each);
    } else {
      texts.push_back(*each);
    }
  }
  return fmt::format("{}", fmt::join(texts, " or "));
}

/// Which of the conditions do not hold: each is asked alone.
std::string unmet(const MatchConfig& match, Exchange& exchange) {
  std::vector<std::string> reasons;
  auto ask = [&](const MatchConfig& part, std::string reason) {
    config::Diagnostics ignored;
    if (!Conditions(part, ignored).hold(exchange)) reasons.push_back(std::move(reason));
  };
  auto ask_values = [&](const auto& map, auto member, std::string_view noun) {
    for (const auto& entry : map) {
      MatchConfig part;
      (part.*member).entries.push_back(entry);
      ask(part, entry.value == "*"
                    ? fmt::format("there is no {} {}", noun, entry.name)
                    : fmt::format("the {} {} is not \"{}\"", noun, entry.name, entry.value));
    }
  };
  if (!match.method.empty()) {
    MatchConfig part;
    part.method = match.method;
    ask(part, fmt::format("the method is not {}", either(match.method)));
  }
  ask_values(match.header, &MatchConfig::header, "header");
  ask_values(match.query, &MatchConfig::query, "query parameter");
  if (!match.when->empty()) {
    MatchConfig part;
    part.when = match.when;
    ask(part, fmt::format("`{}` is false", *match.when));
  }
  return fmt::format("{}", fmt::join(reasons, ", "));
}

std::string why_not(const Judged& judged, const Judged* chosen, const Site& site,
                    const MatchConfig& match, Exchange& exchange) {
  switch (judged.verdict) {
    case RouteVerdict::chosen: return "chosen";
    case RouteVerdict::host: return fmt::format("the host is not {}", either(match.host));
    case RouteVerdict::path:
      return fmt::format("the path is not {}",
                         match.path.empty() ? either(match.path_regex) : either(match.path));
    case RouteVerdict::conditions: return unmet(match, exchange);
    case RouteVerdict::outranked: break;
  }
  bool more_specific = chosen != nullptr && tried_before(site.router.pattern(chosen->pattern),
                                                         site.router.pattern(judged.pattern));
  return more_specific ? "it matches too, but the chosen one is more specific"
                       : "it matches too, but the chosen one stands first";
}

std::string describe_upstream(const std::string& name, const ServerConfig& config) {
  std::vector<std::string> endpoints;
  if (const UpstreamConfig* found = config.upstreams.find(name)) {
    for (const EndpointConfig& each : found->endpoints) endpoints.push_back(each.address->text());
  }
  return fmt::format("{} [{}]", name, fmt::join(endpoints, ", "));
}

bool holds(const std::string& condition, Exchange& exchange) {
  auto compiled = expression::Expression::compile(condition, expression::Stage::route);
  return compiled && compiled->evaluate(expression::ExchangeFacts(exchange));
}

/// The upstream whose condition is true, or the shares of all.
std::string describe_split(const ReverseProxyConfig& proxy, const ServerConfig& config,
                           Exchange& exchange) {
  std::uint64_t total = 0;
  for (const SplitEntryConfig& entry : proxy.split) {
    total += entry.weight;
    if (entry.when->empty() || !holds(*entry.when, exchange)) continue;
    return fmt::format("to upstream {}, because `{}` is true",
                       describe_upstream(*entry.upstream, config), *entry.when);
  }
  std::vector<std::string> shares;
  for (const SplitEntryConfig& entry : proxy.split) {
    shares.push_back(fmt::format("{:.4g} % to {}", 100.0 * entry.weight / total,
                                 describe_upstream(*entry.upstream, config)));
  }
  std::string by = proxy.sticky.empty() ? "" : fmt::format(", by {}", either(proxy.sticky));
  return fmt::format("split{}: {}", by, fmt::join(shares, ", "));
}

std::string describe(const config::Module& handler, const ServerConfig& config,
                     Exchange& exchange) {
  std::string_view name = handler.type->name;
  if (name == ReverseProxyConfig::schema.name) {
    const auto& proxy = handler.as<ReverseProxyConfig>();
    std::string where = proxy.split.empty()
                            ? "to upstream " + describe_upstream(*proxy.upstream, config)
                            : describe_split(proxy, config, exchange);
    if (proxy.mirror) {
      where += fmt::format(", {:.4g} % copied to {}", proxy.mirror->percent,
                           describe_upstream(*proxy.mirror->upstream, config));
    }
    return fmt::format("{} {}", name, where);
  }
  if (name == RespondConfig::schema.name) {
    return fmt::format("{} with status {}", name, handler.as<RespondConfig>().status);
  }
  if (name == RedirectConfig::schema.name) {
    const auto& redirect = handler.as<RedirectConfig>();
    return fmt::format("{} {} to {}", name, redirect.status, *redirect.to);
  }
  if (name == StaticFilesConfig::schema.name) {
    return fmt::format("{} below {}", name, *handler.as<StaticFilesConfig>().root);
  }
  return std::string(name);
}

/// What a request passes on its way to the handler, outermost first.
std::string way(const ServerConfig& config, const ListenerConfig& listener,
                const RouteConfig& route) {
  std::vector<std::string_view> names;
  for (const auto* modules : {&config.use, &listener.use, &route.use}) {
    for (const config::Module& module : *modules) names.push_back(module.type->name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::string place(std::string_view source, config::Position position) {
  return position.known() ? fmt::format(" ({}:{})", source, position.line) : std::string();
}

RouteReport explain_routes(const Site& site, const ServerConfig& config,
                           const ListenerConfig& listener, Exchange& exchange,
                           std::string_view source) {
  RouteReport report;
  const std::vector<RouteConfig>& routes = routes_of(config, listener);
  std::vector<Judged> judged = judge(site, exchange);
  auto chosen = std::ranges::find(judged, RouteVerdict::chosen, &Judged::verdict);
  const Judged* winner = chosen == judged.end() ? nullptr : &*chosen;
  if (winner == nullptr) {
    report.text = fmt::format("  no route matches: 404 ({})\n", name(ErrorCode::no_route));
  } else {
    const RouteConfig& route = routes[winner->route];
    report.route = site.routes[winner->route].name;
    report.handler = route.handler.type->name;
    std::string through = way(config, listener, route);
    report.text = fmt::format("  route {}{}\n", report.route, place(source, route.position));
    if (!through.empty()) report.text += fmt::format("  through {}\n", through);
    report.text += fmt::format("  answered by {}\n", describe(route.handler, config, exchange));
  }
  std::size_t told = 0;
  for (const Judged& each : judged) {
    if (&each == winner) continue;
    if (told++ == 0) report.text += "  other routes:\n";
    if (told > kMostOthers) continue;
    const RouteConfig& route = routes[each.route];
    report.text +=
        fmt::format("    {}{}: {}\n", site.routes[each.route].name, place(source, route.position),
                    why_not(each, winner, site, route.match, exchange));
  }
  if (told > kMostOthers) report.text += fmt::format("    and {} more\n", told - kMostOthers);
  return report;
}

}  // namespace weir

#include "server/router.h"

#include <re2/set.h>

#include <algorithm>

#include "server/path_regex.h"

namespace weir {
namespace {

enum HostScope : std::uint32_t { kExactHost, kWildcardHost };

// From here on one pass of RE2::Set over the path is cheaper than one pass per expression.
constexpr std::size_t kRegexesForSet = 5;

std::vector<RouteId> by_precedence(const std::vector<RoutePattern>& routes) {
  std::vector<RouteId> order(routes.size());
  for (RouteId id = 0; id < order.size(); ++id) order[id] = id;
  std::sort(order.begin(), order.end(), [&](RouteId a, RouteId b) {
    if (tried_before(routes[a], routes[b])) return true;
    return !tried_before(routes[b], routes[a]) && a < b;
  });
  return order;
}

}  // namespace

/// The regex routes of one site in the order of the configuration.
struct Router::Regexes {
  std::vector<std::unique_ptr<re2::RE2>> expressions;
  std::vector<Candidate> candidates;
  std::unique_ptr<re2::RE2::Set> set;  ///< all expressions, if there are many

  void add(const std::string& text, Candidate candidate) {
    expressions.push_back(std::make_unique<re2::RE2>(text, path_regex_options()));
    candidates.push_back(candidate);
  }

  void finish() {
    if (expressions.size() < kRegexesForSet) return;
    set = std::make_unique<re2::RE2::Set>(path_regex_options(), re2::RE2::ANCHOR_BOTH);
    for (const auto& expression : expressions) set->Add(expression->pattern(), nullptr);
    if (!set->Compile()) set.reset();
  }

  RouteId find(std::string_view path, Question satisfied) const {
    if (set != nullptr) {
      std::vector<int> matching;
      re2::RE2::Set::ErrorInfo error;
      set->Match(re2::StringPiece(path.data(), path.size()), &matching, &error);
      if (error.kind == re2::RE2::Set::kNoError) return first_of(matching, satisfied);
    }
    // Few expressions, or the automaton of all of them together ran out of memory.
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (!path_matches(*expressions[i], path)) continue;
      if (!candidates[i].conditional || satisfied(candidates[i].id)) return candidates[i].id;
    }
    return kNone;
  }

  RouteId first_of(std::vector<int>& matching, Question satisfied) const {
    std::sort(matching.begin(), matching.end());
    for (int i : matching) {
      const Candidate& candidate = candidates[static_cast<std::size_t>(i)];
      if (!candidate.conditional || satisfied(candidate.id)) return candidate.id;
    }
    return kNone;
  }
};

/// The tables while they grow: routes are placed one by one, in the order of precedence.
struct Router::Layout {
  struct Bucket {
    std::vector<Candidate> exact;
    std::vector<Candidate> prefix;
    std::uint32_t parent = kNone;
  };

  explicit Layout(Router& target) : router(target) {}

  Router& router;
  std::vector<Bucket> buckets;                     ///< by node
  std::vector<std::vector<Candidate>> every_path;  ///< by site

  void place(RouteId id) {
    const RoutePattern& route = router.routes_[id];
    Candidate candidate{id, route.conditions > 0};
    std::uint32_t site = site_of(route.host);
    switch (route.path.kind) {
      case PathPattern::Kind::exact:
        buckets[node_of(site, route.path.text)].exact.push_back(candidate);
        break;
      case PathPattern::Kind::prefix:
        buckets[node_of(site, route.path.text)].prefix.push_back(candidate);
        break;
      case PathPattern::Kind::regex: regexes_of(site).add(route.path.text, candidate); break;
      case PathPattern::Kind::any: every_path[site].push_back(candidate); break;
    }
  }

  void finish() {
    // A parent is made before its children, so that its own links are ready for them.
    for (std::uint32_t i = 0; i < router.nodes_.size(); ++i) {
      Node& node = router.nodes_[i];
      node.exact = flatten(buckets[i].exact);
      node.prefix = flatten(buckets[i].prefix);
      std::uint32_t parent = buckets[i].parent;
      node.shorter = parent == kNone ? kNone : router.nodes_[parent].nearest;
      node.nearest = node.prefix.empty() ? node.shorter : i;
    }
    for (std::size_t i = 0; i < every_path.size(); ++i) {
      router.sites_[i].every_path = flatten(every_path[i]);
      router.sites_[i].has_paths = router.nodes_[router.sites_[i].root].has_children;
    }
    for (const auto& regexes : router.regexes_) regexes->finish();
  }

 private:
  std::uint32_t site_of(const HostPattern& host) {
    auto fresh = static_cast<std::uint32_t>(router.sites_.size());
    std::uint32_t site = fresh;
    if (host.kind == HostPattern::Kind::any) {
      if (router.any_host_ == kNone) router.any_host_ = fresh;
      site = router.any_host_;
    } else if (host.kind == HostPattern::Kind::exact) {
      site = router.hosts_.insert(kExactHost, host.text, fresh);
      router.has_exact_hosts_ = true;
    } else {
      site = router.hosts_.insert(kWildcardHost, host.text, fresh);
      auto size = static_cast<std::uint32_t>(host.text.size());
      router.longest_wildcard_ = std::max(router.longest_wildcard_, size);
    }
    if (site == fresh) {
      router.sites_.push_back({.root = new_node(kNone)});
      every_path.emplace_back();
    }
    return site;
  }

  std::uint32_t node_of(std::uint32_t site, std::string_view path) {
    std::uint32_t node = router.sites_[site].root;
    for (std::size_t at = 1; at != 0;) {
      std::size_t end = path.find('/', at);
      node = child_of(node, path.substr(at, end == std::string_view::npos ? end : end - at));
      at = end + 1;  // 0 after the last segment
    }
    return node;
  }

  std::uint32_t child_of(std::uint32_t node, std::string_view segment) {
    auto fresh = static_cast<std::uint32_t>(router.nodes_.size());
    std::uint32_t child = router.segments_.insert(node, segment, fresh);
    if (child == fresh) new_node(node);
    router.nodes_[node].has_children = true;
    return child;
  }

  std::uint32_t new_node(std::uint32_t parent) {
    router.nodes_.emplace_back();
    buckets.push_back({.parent = parent});
    return static_cast<std::uint32_t>(router.nodes_.size() - 1);
  }

  Regexes& regexes_of(std::uint32_t site) {
    std::uint32_t& index = router.sites_[site].regexes;
    if (index == kNone) {
      index = static_cast<std::uint32_t>(router.regexes_.size());
      router.regexes_.push_back(std::make_unique<Regexes>());
    }
    return *router.regexes_[index];
  }

  Range flatten(const std::vector<Candidate>& bucket) {
    std::vector<Candidate>& all = router.candidates_;
    Range range{.first = static_cast<std::uint32_t>(all.size())};
    all.insert(all.end(), bucket.begin(), bucket.end());
    range.last = static_cast<std::uint32_t>(all.size());
    return range;
  }
};

Router::Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

std::optional<RouteId> Router::find(std::string_view host, std::string_view path,
                                    Question satisfied) const {
  RouteId found = kNone;
  if (has_exact_hosts_ && !host.empty()) {
    std::uint32_t site = hosts_.find(kExactHost, host);
    if (site != kNone) found = find_in_site(sites_[site], path, satisfied);
  }
  if (found == kNone && longest_wildcard_ != 0) found = find_in_wildcards(host, path, satisfied);
  if (found == kNone && any_host_ != kNone) {
    found = find_in_site(sites_[any_host_], path, satisfied);
  }
  if (found == kNone) return std::nullopt;
  return found;
}

RouteId Router::find_in_wildcards(std::string_view host, std::string_view path,
                                  Question satisfied) const {
  // Suffixes longer than any wildcard of the configuration need no probe.
  std::size_t at = host.size() > longest_wildcard_ + 1 ? host.size() - longest_wildcard_ - 1 : 1;
  while (at < host.size() && (at = host.find('.', at)) != std::string_view::npos) {
    ++at;
    std::uint32_t site = hosts_.find(kWildcardHost, host.substr(at));
    if (site == kNone) continue;
    RouteId found = find_in_site(sites_[site], path, satisfied);
    if (found != kNone) return found;
  }
  return kNone;
}

RouteId Router::find_in_site(const Site& site, std::string_view path, Question satisfied) const {
  if (site.has_paths && path.starts_with('/')) {
    RouteId found = find_in_tree(site, path, satisfied);
    if (found != kNone) return found;
  }
  if (site.regexes != kNone) {
    RouteId found = regexes_[site.regexes]->find(path, satisfied);
    if (found != kNone) return found;
  }
  return first_of(site.every_path, satisfied);
}

RouteId Router::find_in_tree(const Site& site, std::string_view path, Question satisfied) const {
  std::uint32_t node = site.root;
  bool whole = false;
  std::size_t at = 1;
  for (bool deeper = true; deeper && !whole; deeper = nodes_[node].has_children) {
    std::size_t end = path.find('/', at);
    whole = end == std::string_view::npos;
    std::uint32_t child = segments_.find(node, path.substr(at, whole ? end : end - at));
    if (child == kNone) {
      whole = false;
      break;
    }
    node = child;
    at = end + 1;
  }
  if (whole) {
    RouteId found = first_of(nodes_[node].exact, satisfied);
    if (found != kNone) return found;
  }
  for (node = nodes_[node].nearest; node != kNone; node = nodes_[node].shorter) {
    RouteId found = first_of(nodes_[node].prefix, satisfied);
    if (found != kNone) return found;
  }
  return kNone;
}

RouteId Router::first_of(Range range, Question satisfied) const {
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    const Candidate& candidate = candidates_[i];
    if (!candidate.conditional || satisfied(candidate.id)) return candidate.id;
  }
  return kNone;
}

RouteVerdict Router::judge(RouteId id, std::string_view host, std::string_view path,
                           Question satisfied) const {
  const RoutePattern& route = routes_[id];
  bool any_host = route.host.kind == HostPattern::Kind::any;
  if (!any_host && (host.empty() || !route.host.matches(host))) return RouteVerdict::host;
  if (!route.path.matches(path)) return RouteVerdict::path;
  if (route.conditions > 0 && !satisfied(id)) return RouteVerdict::conditions;
  return RouteVerdict::chosen;
}

std::vector<RouteExplanation> Router::explain(std::string_view host, std::string_view path,
                                              Question satisfied) const {
  std::vector<RouteExplanation> explanations;
  for (RouteId id : by_precedence(routes_)) explanations.push_back({id, RouteVerdict::host});
  bool chosen = false;
  for (RouteExplanation& explanation : explanations) {
    explanation.verdict = judge(explanation.id, host, path, satisfied);
    if (explanation.verdict != RouteVerdict::chosen) continue;
    if (chosen) explanation.verdict = RouteVerdict::outranked;
    chosen = true;
  }
  return explanations;
}

RouteId RouterBuilder::add(RoutePattern pattern) {
  // `/*` may be written as a prefix of nothing; it is the pattern of every path.
  bool prefix = pattern.path.kind == PathPattern::Kind::prefix;
  if (prefix && pattern.path.text.empty()) pattern.path = PathPattern{};
  routes_.push_back(std::move(pattern));
  return static_cast<RouteId>(routes_.size() - 1);
}

Router RouterBuilder::build() && {
  Router router;
  router.routes_ = std::move(routes_);
  Router::Layout layout(router);
  for (RouteId id : by_precedence(router.routes_)) layout.place(id);
  layout.finish();
  return router;
}

std::vector<UnreachableRoute> Router::unreachable() const {
  std::vector<UnreachableRoute> found;
  auto check = [&](Range range) {
    std::uint32_t i = range.first;
    while (i < range.last && candidates_[i].conditional) ++i;
    for (std::uint32_t j = i + 1; j < range.last; ++j) {
      found.push_back({candidates_[j].id, candidates_[i].id});
    }
  };
  for (const Node& node : nodes_) {
    check(node.exact);
    check(node.prefix);
  }
  for (const Site& site : sites_) check(site.every_path);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return found;
}

}  // namespace weir

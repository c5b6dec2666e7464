// The route table: which route answers a host and a path. Immutable; lookups do not allocate.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "server/route_pattern.h"
#include "server/text_table.h"

namespace weir {

/// The place of a pattern in the order in which patterns were added, from 0.
using RouteId = std::uint32_t;

/// Why a route answers a request, or does not.
enum class RouteVerdict : std::uint8_t {
  chosen,
  host,        ///< its host pattern does not match
  path,        ///< its path pattern does not match
  conditions,  ///< method, header, query or expression say no
  outranked,   ///< it matches, but another one comes first
};

struct RouteExplanation {
  RouteId id;
  RouteVerdict verdict;
};

/// A route without conditions that stands before one of the same host and path: `id` can never
/// be chosen.
struct UnreachableRoute {
  RouteId id;
  RouteId behind;
};

/// Lookup by host and path costs a few hash probes (one for the host and one for each label where
/// wildcards exist, one for each path segment as deep as the configured paths go), whatever the
/// number of routes. Only the regexes of one host, and routes that differ in nothing but their
/// conditions, are tried one after another.
///
/// The order of precedence is that of `tried_before`, then the order in which routes were added.
/// If no route of a more specific host or path satisfies its conditions, less specific ones are
/// tried: a host that is configured exactly still falls through to wildcards and to `*`.
///
/// Safe to use from several threads. Hosts with more than four regexes let RE2 allocate.
class Router {
 public:
  Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  /// `host` is canonical (Authority::host; empty if the request has none, which only routes of
  /// any host match), `path` is normal (Target::path; "*" for OPTIONS *, which only routes of
  /// every path match). `satisfied(RouteId) -> bool` is asked only for routes with conditions,
  /// in the order of precedence.
  template <class Satisfied>
  std::optional<RouteId> find(std::string_view host, std::string_view path,
                              Satisfied&& satisfied) const {
    return find(host, path, ask(satisfied));
  }

  /// Every route with its verdict, in the order of precedence. Not for the path of a request.
  template <class Satisfied>
  std::vector<RouteExplanation> explain(std::string_view host, std::string_view path,
                                        Satisfied&& satisfied) const {
    return explain(host, path, ask(satisfied));
  }

  std::vector<UnreachableRoute> unreachable() const;

  std::size_t size() const { return routes_.size(); }
  const RoutePattern& pattern(RouteId id) const { return routes_[id]; }

 private:
  friend class RouterBuilder;
  struct Regexes;
  struct Layout;

  static constexpr std::uint32_t kNone = TextTable::kNone;

  /// Asks the caller about the conditions of a route.
  struct Question {
    bool (*function)(const void* object, RouteId id);
    const void* object;
    bool operator()(RouteId id) const { return function(object, id); }
  };

  struct Candidate {
    RouteId id;
    bool conditional;
  };

  /// Candidates that lie side by side in `candidates_`.
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    bool empty() const { return first == last; }
  };

  /// A path of the configuration, reached segment by segment from the root of its site.
  struct Node {
    Range exact;
    Range prefix;
    std::uint32_t nearest = kNone;  ///< this node or the next above it that has prefix routes
    std::uint32_t shorter = kNone;  ///< the next above this one that has prefix routes
    bool has_children = false;
  };

  /// The routes of one host pattern.
  struct Site {
    std::uint32_t root = 0;  ///< its node stands for the path "/" without a segment
    bool has_paths = false;  ///< whether that node has children
    std::uint32_t regexes = kNone;
    Range every_path;
  };

  template <class Satisfied>
  static Question ask(Satisfied& satisfied) {
    using Callable = std::remove_reference_t<Satisfied>;
    return {[](const void* object, RouteId id) {
              return static_cast<bool>((*static_cast<Callable*>(const_cast<void*>(object)))(id));
            },
            &satisfied};
  }

  std::optional<RouteId> find(std::string_view host, std::string_view path,
                              Question satisfied) const;
  std::vector<RouteExplanation> explain(std::string_view host, std::string_view path,
                                        Question satisfied) const;
  RouteId find_in_wildcards(std::string_view host, std::string_view path, Question satisfied) const;
  RouteId find_in_site(const Site& site, std::string_view path, Question satisfied) const;
  RouteId find_in_tree(const Site& site, std::string_view path, Question satisfied) const;
  RouteId first_of(Range range, Question satisfied) const;
  RouteVerdict judge(RouteId id, std::string_view host, std::string_view path,
                     Question satisfied) const;

  std::vector<RoutePattern> routes_;
  std::vector<Candidate> candidates_;
  std::vector<Site> sites_;
  std::vector<Node> nodes_;
  TextTable hosts_;     ///< scope kExactHost or kWildcardHost -> site
  TextTable segments_;  ///< scope node -> node
  std::vector<std::unique_ptr<Regexes>> regexes_;
  std::uint32_t any_host_ = kNone;      ///< the site of routes without a host
  std::uint32_t longest_wildcard_ = 0;  ///< bytes; 0 when there is none
  bool has_exact_hosts_ = false;
};

/// Collects the routes of a configuration, in its order.
class RouterBuilder {
 public:
  RouteId add(RoutePattern pattern);
  Router build() &&;

 private:
  std::vector<RoutePattern> routes_;
};

}  // namespace weir

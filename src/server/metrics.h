// Metrics of exchanges: what one worker counts, and the sums over workers.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <absl/container/flat_hash_map.h>

#include "core/counter.h"
#include "core/histogram.h"
#include "http/exchange.h"

namespace weir {

/// What the admin listener's own requests count as.
inline constexpr std::string_view kAdminRoute = "(admin)";

inline constexpr std::size_t kStatusClasses = 6;  // nothing sent, 1xx, ... 5xx
inline constexpr std::size_t kErrorCodes = static_cast<std::size_t>(ErrorCode::internal) + 1;
inline constexpr std::size_t kOrigins = static_cast<std::size_t>(Origin::upstream) + 1;

/// "none", "1xx", ... "5xx".
std::string_view status_class_name(std::size_t index);

/// The names of routes and upstreams that a configuration has.
struct MetricNames {
  std::set<std::string, std::less<>> routes;
  std::set<std::string, std::less<>> upstreams;
};

/// One worker's counters, by the names of routes and upstreams, so that they outlive
/// configurations. A series is made when its first exchange ends; a route or upstream that nobody
/// uses costs nothing. Names come from configurations only; beyond `limit` pairs of them
/// everything counts as the route "(other)".
class WorkerMetrics {
 public:
  static constexpr std::size_t kLimit = 50'000;

  explicit WorkerMetrics(std::size_t limit = kLimit) : limit_(limit) {}

  /// Of an exchange that has ended. The worker only; allocates for the first of its names only.
  void record(const Exchange& exchange);

  /// Drops the series of every other name. The worker only.
  void keep_only(const MetricNames& names);

  /// How many pairs of route and upstream there are. The worker only.
  std::size_t size() const { return pairs_.size(); }

 private:
  friend class ExchangeTotals;

  struct RouteSeries {
    Histogram duration;
    Counter received;
    Counter sent;
    std::array<Counter, kCacheUses> cache;
    Counter cache_sent;
  };
  struct UpstreamSeries {
    Histogram response;
    Counter retries;
  };
  // One of them for each pair that occurred; the names are keys of the maps below.
  struct Pair {
    std::string_view route_name;
    std::string_view upstream_name;
    RouteSeries* route;
    UpstreamSeries* upstream;  // null without a name
    std::array<Counter, kStatusClasses> requests;
  };
  struct Names {
    std::string_view route;
    std::string_view upstream;
    bool operator==(const Names&) const = default;
  };
  struct NamesHash {
    std::size_t operator()(const Names& names) const;
  };

  static void record_cache(RouteSeries& route, const Exchange& exchange);
  Pair& pair_of(std::string_view route, std::string_view upstream);
  Pair& make_pair(std::string_view route, std::string_view upstream);

  std::size_t limit_;
  Pair* latest_ = nullptr;  // the pair of the exchange before
  // Taken by the worker when it changes the shape of the maps, by others to walk them.
  mutable std::mutex mutex_;
  absl::flat_hash_map<Names, std::unique_ptr<Pair>, NamesHash> pairs_;
  std::map<std::string, std::unique_ptr<RouteSeries>, std::less<>> routes_;
  std::map<std::string, std::unique_ptr<UpstreamSeries>, std::less<>> upstreams_;
  std::array<std::array<Counter, kErrorCodes>, kOrigins> errors_;
};

/// The sums over several workers, in the order of names.
class ExchangeTotals {
 public:
  struct Route {
    HistogramTotals duration;
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::array<std::uint64_t, kCacheUses> cache{};  // by CacheUse
    std::uint64_t cache_sent = 0;                   // bytes that the origin was not asked for
  };
  struct Upstream {
    HistogramTotals response;
    std::uint64_t retries = 0;
  };
  using Requests = std::array<std::uint64_t, kStatusClasses>;

  /// Any thread.
  void add(const WorkerMetrics& worker);
  void keep_only(const MetricNames& names);

  std::map<std::pair<std::string, std::string>, Requests> requests;  // by route and upstream
  std::map<std::string, Route> routes;
  std::map<std::string, Upstream> upstreams;
  std::array<std::array<std::uint64_t, kErrorCodes>, kOrigins> errors{};
};

}  // namespace weir

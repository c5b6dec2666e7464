// ReportedLoad: what an endpoint says of its own load, and the part of its weight that follows.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "io/timer.h"

namespace weir {

class Endpoint;

/// One report of an origin.
struct LoadReport {
  double utilization = 0;  // 1: it is busy; may be more
  double rate = 0;         // requests a second, from all its clients; 0: it does not say
};

/// One per endpoint, shared by all workers. Words of their own, relaxed: of two that come in the
/// same instant one may be overheard.
class ReportedLoad {
 public:
  /// A report says nothing any more when it is so old.
  static constexpr Duration kLifetime = std::chrono::minutes(1);

  void report(const LoadReport& report, TimePoint now);
  /// In (0, 1]; 1 for the endpoint that can have most.
  double part() const { return part_.load(std::memory_order_relaxed); }

 private:
  friend void weigh_by_load(std::span<const std::shared_ptr<Endpoint>> endpoints,
                            std::span<const std::uint32_t> weights, TimePoint now);
  void measure(std::uint64_t requests, TimePoint now);

  std::atomic<double> utilization_{0};
  std::atomic<double> rate_{0};
  std::atomic<std::int64_t> reported_{0};  // on the clock; 0: never
  std::atomic<float> part_{1};
  // Of the last time that it was weighed.
  std::atomic<double> capacity_{0};  // requests a second at full load, smoothed; 0: not known
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::int64_t> measured_{0};
};

/// Once in such a time endpoints are weighed.
inline constexpr Duration kWeighEvery = std::chrono::seconds(1);
/// No endpoint gets more than so many times what its weight alone would give it, nor less than one
/// part in so many.
inline constexpr double kMostByLoad = 3;

/// Gives each endpoint the part of its weight that follows from what it can take: its requests a
/// second by its utilization. One that does not report counts as the middle one. For a thread at a
/// time.
void weigh_by_load(std::span<const std::shared_ptr<Endpoint>> endpoints,
                   std::span<const std::uint32_t> weights, TimePoint now);

}  // namespace weir

// AdaptiveLimit: finds by latency how many attempts a cluster can bear at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "cluster/adaptive_limit_policy.h"
#include "cluster/attempt_result.h"

namespace weir {

/// One per cluster, for all workers. Each interval the limit moves by the gradient, the best
/// latency (times `tolerance`) over the latest: below 1 there is a queue at the origin, and the
/// limit shrinks; else it grows by its root. The best latency would grow old with the origin it was
/// measured at, and is measured anew now and then, while half of the limit lets a queue drain: half
/// and not a few, so that few requests are refused for it, and only attempts that begin after the
/// queue has drained count (Envoy had to learn both for its minRTT).
class AdaptiveLimit {
 public:
  /// Intervals from one measurement of the best latency to the next.
  static constexpr std::uint32_t kRound = 60;
  /// Answers that make an interval.
  static constexpr std::uint32_t kLeastAnswers = 10;
  /// Of the limit, to begin with.
  static constexpr double kWhileMeasuring = 0.5;

  std::uint32_t limit(const AdaptiveLimitPolicy& policy) const {
    std::uint32_t limit = limit_.load(std::memory_order_relaxed);
    return limit == 0 ? policy.initial : limit;
  }

  /// 0 before the first interval has ended.
  std::uint32_t found() const { return limit_.load(std::memory_order_relaxed); }

  /// An attempt has ended that took `took`, when `in_flight` were under way, itself included. Any
  /// thread; who comes first after the end of an interval computes the next limit.
  void tell(const AdaptiveLimitPolicy& policy, AttemptResult result, Duration took,
            std::uint32_t in_flight, TimePoint now);

  /// In microseconds; 0 before the first interval has ended.
  double best_latency() const { return best_.load(std::memory_order_relaxed); }

 private:
  enum class Phase : std::uint8_t { normal, draining, measuring };

  struct Interval {
    double latency = 0;  // mean, of those that were answered
    std::uint64_t answers = 0;
    std::uint64_t lost = 0;       // attempts without an answer
    std::uint32_t in_flight = 0;  // the most
  };

  Interval take_interval();
  void next(const AdaptiveLimitPolicy& policy, const Interval& interval, TimePoint now);
  void move(const AdaptiveLimitPolicy& policy, const Interval& interval);
  void measured(const AdaptiveLimitPolicy& policy, double latency);
  void publish(const AdaptiveLimitPolicy& policy);

  std::atomic<std::uint32_t> limit_{0};  // 0: not begun
  std::atomic<double> best_{0};
  // Of this interval.
  std::atomic<std::int64_t> end_{0};
  std::atomic<std::int64_t> since_{0};  // attempts that began earlier do not count
  std::atomic<std::uint64_t> microseconds_{0};
  std::atomic<std::uint32_t> answers_{0};
  std::atomic<std::uint32_t> lost_{0};
  std::atomic<std::uint32_t> most_in_flight_{0};

  std::mutex mutex_;  // of what is below; one thread at most wants it
  double exact_ = 0;  // the limit in the normal phase
  Phase phase_ = Phase::normal;
  std::uint32_t until_measuring_ = kRound;
  double share_ = kWhileMeasuring;  // of the limit, in the other phases
  double measured_ = 0;             // with twice that share
};

}  // namespace weir

// CircuitBreaker: stops asking a cluster that fails, and asks again little by little.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "cluster/attempt_result.h"
#include "cluster/breaker_policy.h"
#include "cluster/rolling_rate.h"
#include "core/result.h"

namespace weir {

/// One per cluster, for all workers; outlives configurations. While it is closed, and for those it
/// refuses, it takes no lock.
class CircuitBreaker {
 public:
  enum class State : std::uint8_t { closed, half_open, open };

  /// What an attempt was let through as: 0 if it is none of the probes, else the number of the half
  /// open phase that it belongs to.
  using Probe = std::uint32_t;

  explicit CircuitBreaker(std::string cluster) : cluster_(std::move(cluster)) {}

  /// Whether an attempt may be made. Error: breaker_open, and when it is worth to ask again. Each
  /// probe is told of exactly once, with `unknown` if nothing can be said, or given back.
  Result<Probe> admit(const BreakerPolicy& policy, TimePoint now);
  void tell(const BreakerPolicy& policy, Probe probe, AttemptResult result, TimePoint now);

  /// Nothing came of it: another may take its place.
  void give_back(Probe probe);

  State state() const { return state_.load(std::memory_order_relaxed); }
  std::uint64_t opened() const { return opened_.load(std::memory_order_relaxed); }

 private:
  Result<Probe> probe(const BreakerPolicy& policy, TimePoint now);
  void judge_probe(const BreakerPolicy& policy, Probe probe, AttemptResult result, TimePoint now);
  void open(const BreakerPolicy& policy, TimePoint now, const std::string& why);
  void close();

  const std::string cluster_;
  RollingRate rate_;
  std::atomic<State> state_{State::closed};
  std::atomic<std::int64_t> until_{0};         // open; on the monotonic clock
  std::atomic<std::uint32_t> probes_left_{0};  // that may begin in this half open phase
  std::atomic<std::uint64_t> opened_{0};
  std::mutex mutex_;  // of changes of the state, and of what is below
  Probe phase_ = 0;
  std::uint32_t probes_passed_ = 0;
  std::uint32_t probes_wanted_ = 0;
};

std::string_view name(CircuitBreaker::State state);

}  // namespace weir

// Admission: an attempt's leave to be made at a cluster, and its place in the counts until it ends.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/adaptive_limit.h"
#include "cluster/breaker.h"
#include "core/result.h"

namespace weir {

struct AdmissionPolicy {
  BreakerPolicy breaker;
  AdaptiveLimitPolicy adaptive;

  bool on() const { return breaker.limits() || breaker.opens() || adaptive.on; }
};

/// What all workers share about what is under way at a cluster. Outlives configurations and, for
/// what holds it, the cluster.
struct AdmissionState {
  explicit AdmissionState(const std::string& cluster) : breaker(cluster) {}

  /// In the order of `reason`.
  static constexpr std::array kReasons = {ErrorCode::breaker_open, ErrorCode::max_requests,
                                          ErrorCode::concurrency_limit, ErrorCode::max_retries,
                                          ErrorCode::max_pending};

  CircuitBreaker breaker;
  AdaptiveLimit adaptive;
  // Under way; counted only where there is a policy.
  std::atomic<std::uint32_t> requests{0};
  std::atomic<std::uint32_t> retries{0};
  std::atomic<std::uint32_t> pending{0};
  std::array<std::atomic<std::uint64_t>, kReasons.size()> refused{};

  std::unexpected<Error> refuse(ErrorCode reason);
  std::unexpected<Error> refuse(const Error& error);
};

/// Taken before an attempt, told what came of it, and ended with it. Without a policy it is empty
/// and costs nothing.
class Admission {
 public:
  /// A place among those that wait for a connection, for as long as it is held.
  class Waiting {
   public:
    Waiting() = default;
    explicit Waiting(std::shared_ptr<AdmissionState> state) : state_(std::move(state)) {}
    Waiting(Waiting&& other) noexcept = default;
    Waiting& operator=(Waiting&&) = delete;
    ~Waiting() {
      if (state_) state_->pending.fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    std::shared_ptr<AdmissionState> state_;
  };

  Admission() = default;
  Admission(Admission&& other) noexcept
      : state_(std::move(other.state_)),
        policy_(other.policy_),
        probe_(std::exchange(other.probe_, 0)),
        retry_(other.retry_) {}
  Admission& operator=(Admission&&) = delete;
  ~Admission() { end(); }

  /// `retry`: it is not the first attempt of its request. `policy` outlives the call of `tell`.
  /// Errors of Origin::weir: breaker_open, max_requests, concurrency_limit, max_retries.
  static Result<Admission> ask(const std::shared_ptr<AdmissionState>& state,
                               const AdmissionPolicy& policy, bool retry, TimePoint now);

  /// Error: max_pending.
  Result<Waiting> wait() const;

  /// Once. `took`: from sending the request to its answer.
  void tell(AttemptResult result, Duration took, TimePoint now);
  void end();

 private:
  std::shared_ptr<AdmissionState> state_;  // null: nothing is counted
  const AdmissionPolicy* policy_ = nullptr;
  CircuitBreaker::Probe probe_ = 0;
  bool retry_ = false;
};

}  // namespace weir

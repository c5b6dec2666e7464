#include "cluster/breaker.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/log.h"

namespace weir {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

std::unexpected<Error> refused(Duration left) {
  Error error(ErrorCode::breaker_open, Origin::weir, "too many attempts failed");
  auto whole = (left + std::chrono::seconds(1) - Duration(1)) / std::chrono::seconds(1);
  error.retry_after = static_cast<std::uint16_t>(std::clamp<std::int64_t>(whole, 1, 3600));
  return std::unexpected(error);
}

}  // namespace

std::string_view name(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::closed: return "closed";
    case CircuitBreaker::State::half_open: return "half_open";
    case CircuitBreaker::State::open: return "open";
  }
  return "unknown";
}

Result<CircuitBreaker::Probe> CircuitBreaker::admit(const BreakerPolicy& policy, TimePoint now) {
  State state = state_.load(kRelaxed);
  if (state == State::closed) return Probe{0};
  if (state == State::open) {
    Duration left(until_.load(kRelaxed) - now.time_since_epoch().count());
    if (left > Duration::zero()) return refused(left);
  } else if (probes_left_.load(kRelaxed) == 0) {
    return refused(policy.open_time);
  }
  return probe(policy, now);
}

Result<CircuitBreaker::Probe> CircuitBreaker::probe(const BreakerPolicy& policy, TimePoint now) {
  std::lock_guard lock(mutex_);
  if (state_.load(kRelaxed) == State::closed) return Probe{0};
  if (state_.load(kRelaxed) == State::open) {
    Duration left(until_.load(kRelaxed) - now.time_since_epoch().count());
    if (left > Duration::zero()) return refused(left);
    if (++phase_ == 0) ++phase_;
    probes_passed_ = 0;
    probes_wanted_ = policy.probes;
    probes_left_.store(policy.probes, kRelaxed);
    state_.store(State::half_open, kRelaxed);
  }
  std::uint32_t left = probes_left_.load(kRelaxed);
  if (left == 0) return refused(policy.open_time);
  probes_left_.store(left - 1, kRelaxed);
  return phase_;
}

void CircuitBreaker::tell(const BreakerPolicy& policy, Probe probe, AttemptResult result,
                          TimePoint now) {
  if (probe != 0) return judge_probe(policy, probe, result, now);
  if (result == AttemptResult::unknown || state_.load(kRelaxed) != State::closed) return;
  bool failed = result >= AttemptResult::gateway_error;
  rate_.add(failed, now, policy.window);
  if (!failed) return;
  RollingRate::Count count = rate_.count(now, policy.window);
  if (count.all < policy.min_requests) return;
  if (count.failed * 100 < std::uint64_t{policy.failure_rate} * count.all) return;
  std::lock_guard lock(mutex_);
  if (state_.load(kRelaxed) != State::closed) return;
  open(policy, now, fmt::format("{} of {} attempts failed", count.failed, count.all));
}

// Of a phase that is over nobody wants to know any more.
void CircuitBreaker::judge_probe(const BreakerPolicy& policy, Probe probe, AttemptResult result,
                                 TimePoint now) {
  if (result == AttemptResult::unknown) return give_back(probe);
  std::lock_guard lock(mutex_);
  if (state_.load(kRelaxed) != State::half_open || probe != phase_) return;
  if (result >= AttemptResult::gateway_error) {
    open(policy, now, "a probe failed");
  } else if (++probes_passed_ >= probes_wanted_) {
    close();
  }
}

void CircuitBreaker::give_back(Probe probe) {
  std::lock_guard lock(mutex_);
  if (state_.load(kRelaxed) == State::half_open && probe == phase_) {
    probes_left_.fetch_add(1, kRelaxed);
  }
}

void CircuitBreaker::open(const BreakerPolicy& policy, TimePoint now, const std::string& why) {
  until_.store((now + policy.open_time).time_since_epoch().count(), kRelaxed);
  state_.store(State::open, kRelaxed);
  opened_.fetch_add(1, kRelaxed);
  log("breaker_opened", {{"upstream", cluster_}, {"reason", why}});
}

void CircuitBreaker::close() {
  rate_.clear();
  state_.store(State::closed, kRelaxed);
  log("breaker_closed", {{"upstream", cluster_}});
}

}  // namespace weir

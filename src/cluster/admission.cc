#include "cluster/admission.h"

#include <algorithm>

namespace weir {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// One more; false if that is too many. It counts either way.
bool one_more(std::atomic<std::uint32_t>& count, std::uint32_t limit) {
  std::uint32_t now = count.fetch_add(1, kRelaxed) + 1;
  return limit == 0 || now <= limit;
}

}  // namespace

std::unexpected<Error> AdmissionState::refuse(ErrorCode reason) {
  return refuse(Error(reason, Origin::weir, "a limit of the upstream is reached"));
}

std::unexpected<Error> AdmissionState::refuse(const Error& error) {
  auto index = std::ranges::find(kReasons, error.code) - kReasons.begin();
  refused[static_cast<std::size_t>(index)].fetch_add(1, kRelaxed);
  return std::unexpected(error);
}

Result<Admission> Admission::ask(const std::shared_ptr<AdmissionState>& state,
                                 const AdmissionPolicy& policy, bool retry, TimePoint now) {
  Admission made;
  if (!policy.on()) return made;
  made.state_ = state;
  made.policy_ = &policy;
  made.retry_ = retry;
  bool room = one_more(state->requests, policy.breaker.max_requests);
  bool may_retry = !retry || one_more(state->retries, policy.breaker.max_retries);
  if (!room) return state->refuse(ErrorCode::max_requests);
  if (!may_retry) return state->refuse(ErrorCode::max_retries);
  if (policy.adaptive.on &&
      state->requests.load(kRelaxed) > state->adaptive.limit(policy.adaptive)) {
    return state->refuse(ErrorCode::concurrency_limit);
  }
  if (policy.breaker.opens()) {
    Result<CircuitBreaker::Probe> probe = state->breaker.admit(policy.breaker, now);
    if (!probe) return state->refuse(probe.error());
    made.probe_ = *probe;
  }
  return made;
}

Result<Admission::Waiting> Admission::wait() const {
  if (!state_) return Waiting();
  bool room = one_more(state_->pending, policy_->breaker.max_pending);
  Waiting waiting(state_);
  if (!room) return state_->refuse(ErrorCode::max_pending);
  return waiting;
}

void Admission::tell(AttemptResult result, Duration took, TimePoint now) {
  if (!state_) return;
  if (policy_->breaker.opens() || probe_ != 0) {
    state_->breaker.tell(policy_->breaker, std::exchange(probe_, 0), result, now);
  }
  if (policy_->adaptive.on) {
    state_->adaptive.tell(policy_->adaptive, result, took, state_->requests.load(kRelaxed), now);
  }
}

void Admission::end() {
  if (!state_) return;
  if (probe_ != 0) state_->breaker.give_back(probe_);
  state_->requests.fetch_sub(1, kRelaxed);
  if (retry_) state_->retries.fetch_sub(1, kRelaxed);
  state_.reset();
}

}  // namespace weir

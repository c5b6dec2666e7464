#include "cluster/adaptive_limit.h"

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr Duration kLongest = std::chrono::minutes(10);  // that an attempt counts as having taken
constexpr double kSmoothing = 0.5;     // how much of the way the limit goes in an interval
constexpr double kSteepest = 0.5;      // gradient
constexpr double kLossGradient = 0.9;  // when a tenth of the attempts or more has no answer
constexpr double kAlike = 1.2;         // up to this factor latencies are taken for the same

}  // namespace

void AdaptiveLimit::tell(const AdaptiveLimitPolicy& policy, AttemptResult result, Duration took,
                         std::uint32_t in_flight, TimePoint now) {
  if (result == AttemptResult::unknown) return;
  took = std::clamp(took, Duration::zero(), kLongest);
  std::int64_t time = now.time_since_epoch().count();
  if (time - took.count() >= since_.load(kRelaxed)) {
    if (has_answer(result)) {
      microseconds_.fetch_add(static_cast<std::uint64_t>(took / std::chrono::microseconds(1)),
                              kRelaxed);
      answers_.fetch_add(1, kRelaxed);
    } else {
      lost_.fetch_add(1, kRelaxed);
    }
    if (in_flight > most_in_flight_.load(kRelaxed)) most_in_flight_.store(in_flight, kRelaxed);
  }
  std::int64_t end = end_.load(kRelaxed);
  if (time < end) return;
  if (answers_.load(kRelaxed) + lost_.load(kRelaxed) < kLeastAnswers) return;
  if (!end_.compare_exchange_strong(end, time + policy.interval.count(), kRelaxed)) return;
  std::lock_guard lock(mutex_);
  next(policy, take_interval(), now);
}

AdaptiveLimit::Interval AdaptiveLimit::take_interval() {
  Interval interval;
  interval.answers = answers_.exchange(0, kRelaxed);
  interval.lost = lost_.exchange(0, kRelaxed);
  interval.in_flight = most_in_flight_.exchange(0, kRelaxed);
  auto sum = static_cast<double>(microseconds_.exchange(0, kRelaxed));
  if (interval.answers > 0) interval.latency = sum / static_cast<double>(interval.answers);
  return interval;
}

// While the queue drains, nothing that began before is looked at.
void AdaptiveLimit::next(const AdaptiveLimitPolicy& policy, const Interval& interval,
                         TimePoint now) {
  if (exact_ == 0) exact_ = policy.initial;
  double best = best_.load(kRelaxed);
  switch (phase_) {
    case Phase::normal:
      if (interval.latency > 0 && (best == 0 || interval.latency < best)) {
        best_.store(interval.latency, kRelaxed);
      }
      move(policy, interval);
      if (--until_measuring_ == 0) phase_ = Phase::draining;
      break;
    case Phase::draining:
      phase_ = Phase::measuring;
      since_.store(now.time_since_epoch().count(), kRelaxed);
      break;
    case Phase::measuring: measured(policy, interval.latency); break;
  }
  publish(policy);
}

// What is slower than it was may still be a queue: then less of the limit is faster.
void AdaptiveLimit::measured(const AdaptiveLimitPolicy& policy, double latency) {
  double best = best_.load(kRelaxed);
  bool slower = best > 0 && latency > kAlike * best;
  bool faster_than_before = measured_ == 0 || latency * kAlike < measured_;
  if (slower && faster_than_before && exact_ * share_ > policy.min) {
    measured_ = latency;
    share_ /= 2;
    phase_ = Phase::draining;
    return;
  }
  if (latency > 0) best_.store(latency, kRelaxed);
  measured_ = 0;
  share_ = kWhileMeasuring;
  phase_ = Phase::normal;
  until_measuring_ = kRound;
}

// A limit that is not in use says nothing of whether more would do.
void AdaptiveLimit::move(const AdaptiveLimitPolicy& policy, const Interval& interval) {
  double gradient = 1;
  double best = best_.load(kRelaxed);
  if (best > 0 && interval.latency > 0) {
    gradient = std::clamp(policy.tolerance * best / interval.latency, kSteepest, 1.0);
  }
  bool losing = interval.lost * 10 >= interval.lost + interval.answers;
  if (losing) gradient = std::min(gradient, kLossGradient);
  bool in_use = interval.in_flight * 2.0 >= exact_;
  double more = in_use && !losing ? std::sqrt(exact_) : 0;
  exact_ += kSmoothing * (exact_ * gradient + more - exact_);
  exact_ = std::clamp<double>(exact_, policy.min, policy.max);
}

void AdaptiveLimit::publish(const AdaptiveLimitPolicy& policy) {
  double limit = phase_ == Phase::normal ? exact_ : exact_ * share_;
  limit = std::clamp<double>(limit, policy.min, policy.max);
  limit_.store(static_cast<std::uint32_t>(limit), kRelaxed);
}

}  // namespace weir

#include "cluster/outliers.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "cluster/cluster.h"
#include "core/log.h"

namespace weir {
namespace {

// Below that, a difference is no reason to eject, however alike the others are.
constexpr double kLeastRateGap = 0.05;
constexpr double kLeastLatencyGap = 10'000;  // microseconds

constexpr Duration kLongest = std::chrono::hours(1);  // that an answer counts as having taken

std::string seconds(Duration time) { return fmt::format("{}s", time / std::chrono::seconds(1)); }

// Whether one more makes a row too long; then it begins anew. So a cluster that fails as a whole
// takes the lock of ejections once in a row's length.
bool too_many(std::uint32_t limit, std::atomic<std::uint32_t>& row, bool failed) {
  constexpr auto relaxed = std::memory_order_relaxed;
  if (limit == 0) return false;
  if (!failed) {
    if (row.load(relaxed) != 0) row.store(0, relaxed);
    return false;
  }
  if (row.fetch_add(1, relaxed) + 1 < limit) return false;
  row.store(0, relaxed);
  return true;
}

/// Mean and standard deviation of all values but one. With that one among them, an outlier would
/// hide behind the deviation that it makes itself: of four values none can be more than 1.74
/// deviations from the mean.
class Others {
 public:
  template <class Samples>
  explicit Others(const Samples& samples) : count_(static_cast<double>(samples.size())) {
    for (const auto& each : samples) mean_ += each.value / count_;
    for (const auto& each : samples) {
      sum_ += each.value - mean_;
      squares_ += (each.value - mean_) * (each.value - mean_);
    }
  }
  double mean(double without) const { return mean_ + offset(without); }
  double deviation(double without) const {
    double own = without - mean_;
    double variance = (squares_ - own * own) / (count_ - 1) - offset(without) * offset(without);
    return std::sqrt(std::max(variance, 0.0));
  }

 private:
  double offset(double without) const { return (sum_ - (without - mean_)) / (count_ - 1); }

  double count_;
  double mean_ = 0;
  double sum_ = 0;  // of the distances from the mean: all but zero
  double squares_ = 0;
};

}  // namespace

std::string_view name(EjectionReason reason) {
  switch (reason) {
    case EjectionReason::connect_failures: return "connect_failures";
    case EjectionReason::gateway_errors: return "gateway_errors";
    case EjectionReason::errors: return "errors";
    case EjectionReason::success_rate: return "success_rate";
    case EjectionReason::latency: return "latency";
  }
  return "unknown";
}

// --- on the path of a request ------------------------------------------------------------------

void OutlierDetection::tell(const OutlierPolicy& policy, Endpoint& endpoint, AttemptResult result,
                            Duration took, TimePoint now) {
  if (result == AttemptResult::unknown) return;
  OutlierState& state = endpoint.outlier;
  if (policy.compares()) count(state, result, took);
  auto judge = [&](EjectionReason reason, std::uint32_t limit, std::atomic<std::uint32_t>& row,
                   bool failed) {
    if (!too_many(limit, row, failed)) return;
    eject(policy, endpoint, reason, fmt::format("{} in a row", limit), now);
  };
  using enum EjectionReason;
  judge(connect_failures, policy.connect_failures, state.connect_failures,
        result == AttemptResult::not_connected);
  judge(gateway_errors, policy.gateway_errors, state.gateway_errors,
        result >= AttemptResult::gateway_error);
  judge(errors, policy.errors, state.errors, result >= AttemptResult::error);
}

void OutlierDetection::count(OutlierState& state, AttemptResult result, Duration took) {
  constexpr auto relaxed = std::memory_order_relaxed;
  state.attempts.fetch_add(1, relaxed);
  if (result != AttemptResult::answered) state.failures.fetch_add(1, relaxed);
  if (!has_answer(result)) return;
  state.answers.fetch_add(1, relaxed);
  Duration bounded = std::clamp(took, Duration::zero(), kLongest);
  state.microseconds.fetch_add(static_cast<std::uint64_t>(bounded / std::chrono::microseconds(1)),
                               relaxed);
}

// --- in and out --------------------------------------------------------------------------------

// What is away for another reason gets no requests but in a panic, and takes no place below the
// cap.
void OutlierDetection::eject(const OutlierPolicy& policy, Endpoint& endpoint, EjectionReason reason,
                             const std::string& detail, TimePoint now) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<const EndpointSet> set = cluster_.endpoints();
  bool known = std::ranges::any_of(set->endpoints,
                                   [&](const auto& each) { return each.get() == &endpoint; });
  if (!known || !endpoint.available()) return;
  if (!cap_allows(policy, *set, endpoint)) {
    withheld_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  OutlierState& state = endpoint.outlier;
  std::uint32_t lately = state.lately.load() + 1;
  Duration time = policy.max_time;
  if (lately <= policy.max_time / policy.base_time) time = policy.base_time * lately;
  state.lately = lately;
  state.reason = reason;
  state.until = (now + time).time_since_epoch().count();
  state.ejections[static_cast<std::size_t>(reason)].fetch_add(1);
  cluster_.set_away(endpoint, Away::ejected, true);
  log("endpoint_ejected", {{"upstream", cluster_.name()},
                           {"endpoint", endpoint.text},
                           {"reason", weir::name(reason)},
                           {"detail", detail},
                           {"for", seconds(time)}});
}

bool OutlierDetection::cap_allows(const OutlierPolicy& policy, const EndpointSet& set,
                                  const Endpoint& endpoint) {
  std::size_t count = set.endpoints.size();
  auto ejected =
      static_cast<std::size_t>(std::ranges::count_if(set.endpoints, [&](const auto& each) {
        return each.get() != &endpoint && each->is(Away::ejected);
      }));
  std::size_t share = std::max<std::size_t>(1, count * policy.max_ejected / 100);
  return ejected + 1 <= std::min(share, count - 1);
}

void OutlierDetection::tend(const OutlierPolicy& policy, TimePoint now, std::int64_t wall) {
  wall_offset_.store(wall - now.time_since_epoch().count(), std::memory_order_relaxed);
  std::shared_ptr<const EndpointSet> set = cluster_.endpoints();
  end_ejections(policy, *set, now);
  if (!policy.compares() || now - compared_ < policy.interval) return;
  // What was counted before endpoints were compared at all spans no interval.
  bool first = compared_ == TimePoint();
  compared_ = now;
  if (!first) compare(policy, *set, now);
}

void OutlierDetection::end_ejections(const OutlierPolicy& policy, const EndpointSet& set,
                                     TimePoint now) {
  for (const auto& endpoint : set.endpoints) {
    OutlierState& state = endpoint->outlier;
    if (state.lately.load(std::memory_order_relaxed) == 0) continue;
    std::lock_guard lock(mutex_);
    if (!endpoint->is(Away::ejected)) {
      // `until` moves on with each ejection that is forgotten.
      if (now - state.ejected_until() < policy.base_time) continue;
      state.until = (state.ejected_until() + policy.base_time).time_since_epoch().count();
      --state.lately;
      continue;
    }
    if (policy.on() && now < state.ejected_until()) continue;
    state.until = now.time_since_epoch().count();
    cluster_.set_away(*endpoint, Away::ejected, false);
    log("endpoint_returned", {{"upstream", cluster_.name()}, {"endpoint", endpoint->text}});
  }
}

std::vector<Ejection> OutlierDetection::ejections() const {
  std::vector<Ejection> all;
  for (const auto& endpoint : cluster_.endpoints()->endpoints) {
    if (!endpoint->is(Away::ejected)) continue;
    const OutlierState& state = endpoint->outlier;
    all.push_back({endpoint->text, state.reason, wall(state.ejected_until()), state.lately.load()});
  }
  return all;
}

// --- comparing ---------------------------------------------------------------------------------

void OutlierDetection::compare(const OutlierPolicy& policy, const EndpointSet& set, TimePoint now) {
  std::vector<Sample> rates, means;
  for (const auto& endpoint : set.endpoints) {
    OutlierState& state = endpoint->outlier;
    double attempts = state.attempts.exchange(0, std::memory_order_relaxed);
    double failures = state.failures.exchange(0, std::memory_order_relaxed);
    double answers = state.answers.exchange(0, std::memory_order_relaxed);
    auto microseconds =
        static_cast<double>(state.microseconds.exchange(0, std::memory_order_relaxed));
    // The counts are not taken in one moment.
    if (attempts >= policy.min_requests) {
      rates.push_back({endpoint.get(), std::max(0.0, 1 - failures / attempts)});
    }
    if (answers >= policy.min_requests) means.push_back({endpoint.get(), microseconds / answers});
  }
  if (policy.success_rate > 0) compare_rates(policy, rates, now);
  if (policy.latency > 0) compare_latencies(policy, means, now);
}

// The worst first: the cap may leave room for only some.
void OutlierDetection::compare_rates(const OutlierPolicy& policy, const std::vector<Sample>& rates,
                                     TimePoint now) {
  if (rates.size() < policy.min_endpoints) return;
  Others others(rates);
  std::vector<Sample> sorted = rates;
  std::ranges::stable_sort(sorted, std::less(), &Sample::value);
  for (const Sample& each : sorted) {
    double gap = std::max(kLeastRateGap, policy.success_rate * others.deviation(each.value));
    if (each.value >= others.mean(each.value) - gap) continue;
    eject(policy, *each.endpoint, EjectionReason::success_rate,
          fmt::format("{:.1f} % of its attempts succeed, of the others' {:.1f} %", each.value * 100,
                      others.mean(each.value) * 100),
          now);
  }
}

void OutlierDetection::compare_latencies(const OutlierPolicy& policy,
                                         const std::vector<Sample>& means, TimePoint now) {
  if (means.size() < policy.min_endpoints) return;
  Others others(means);
  std::vector<Sample> sorted = means;
  std::ranges::stable_sort(sorted, std::greater(), &Sample::value);
  for (const Sample& each : sorted) {
    double mean = others.mean(each.value);
    double gap = std::max({kLeastLatencyGap, mean, policy.latency * others.deviation(each.value)});
    if (each.value <= mean + gap) continue;
    eject(
        policy, *each.endpoint, EjectionReason::latency,
        fmt::format("{:.1f} ms to an answer, the others {:.1f} ms", each.value / 1000, mean / 1000),
        now);
  }
}

}  // namespace weir

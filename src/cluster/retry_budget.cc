#include "cluster/retry_budget.h"

#include <cmath>

namespace weir {
namespace {

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

// What is earned at an even rate while it fades: balance' = rate - balance / memory.
double RetryBudget::grown(double balance, double earned, Duration over) const {
  double full = earned / seconds(over) * seconds(kMemory);
  return full + (balance - full) * std::exp(-seconds(over) / seconds(kMemory));
}

void RetryBudget::refresh(const RetryBudgetTerms& terms, TimePoint now, std::uint64_t requests) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || !due(now)) return;  // another worker does it
  next_.store((now + kRefresh).time_since_epoch().count(), std::memory_order_relaxed);
  // What was repeated earns nothing.
  std::uint64_t first = requests - std::min(requests, taken_.load(std::memory_order_relaxed));
  Duration over = now - last_;
  double earned = 0;
  if (begun_) {
    if (first > requests_) earned = terms.share * static_cast<double>(first - requests_);
    earned += terms.min_per_second * seconds(over);
  }
  std::int64_t before = balance_.load(std::memory_order_relaxed);
  std::int64_t after;
  do {
    double balance = static_cast<double>(before) / kOne;
    // At the first time there is as much as if there had been no requests for long.
    balance = begun_ ? grown(balance, earned, over) : terms.min_per_second * seconds(kMemory);
    after = static_cast<std::int64_t>(balance * kOne);
  } while (!balance_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  last_ = now;
  requests_ = first;
  begun_ = true;
}

bool RetryBudget::take() {
  std::int64_t before = balance_.load(std::memory_order_relaxed);
  do {
    if (before < kOne) return false;
  } while (!balance_.compare_exchange_weak(before, before - kOne, std::memory_order_relaxed));
  taken_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace weir

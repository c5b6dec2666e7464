// RetryBudget: how many requests of a cluster may be repeated, as a share of its traffic.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "io/timer.h"

namespace weir {

/// See RetryBudgetConfig.
struct RetryBudgetTerms {
  double share = 0.2;
  std::uint32_t min_per_second = 10;
  bool operator==(const RetryBudgetTerms&) const = default;
};

/// A balance that grows by a share of each request and by a little each second, and fades: what
/// was saved up ten seconds ago is worth little over a third. Shared by all workers, which look at
/// it only when a request is to be repeated: requests themselves are counted by others.
class RetryBudget {
 public:
  static constexpr Duration kMemory = std::chrono::seconds(10);
  static constexpr Duration kRefresh = std::chrono::milliseconds(100);

  /// Whether it is time to say how many requests there have been.
  bool due(TimePoint now) const {
    return now.time_since_epoch().count() >= next_.load(std::memory_order_relaxed);
  }
  /// `requests`: all since the start, repeated ones included.
  void refresh(const RetryBudgetTerms& terms, TimePoint now, std::uint64_t requests);
  /// Takes one; false if there is none left.
  bool take();
  double balance() const {
    return static_cast<double>(balance_.load(std::memory_order_relaxed)) / kOne;
  }

 private:
  static constexpr std::int64_t kOne = 1024;  // the balance is a whole number for its atomic

  double grown(double balance, double earned, Duration over) const;

  std::atomic<std::int64_t> balance_{0};
  std::atomic<std::int64_t> next_{0};  // when it is due
  std::atomic<std::uint64_t> taken_{0};
  std::mutex mutex_;  // of a refresh
  TimePoint last_{};
  std::uint64_t requests_ = 0;
  bool begun_ = false;
};

}  // namespace weir

// How much all temporary files of one middleware may hold.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

/// Shared by the workers, without a lock; exact.
class DiskBudget {
 public:
  explicit DiskBudget(std::uint64_t most) : left_(most) {}

  bool take(std::uint64_t bytes) {
    std::uint64_t left = left_.load(std::memory_order_relaxed);
    while (left >= bytes) {
      if (left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  void give_back(std::uint64_t bytes) { left_.fetch_add(bytes, std::memory_order_relaxed); }
  std::uint64_t left() const { return left_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> left_;
};

}  // namespace weir

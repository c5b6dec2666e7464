// Budget: the bytes that a cache may have, counted by everything that takes some of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir::cache {

/// Shared by a cache and its objects, which may outlive it. Never above the limit, but for what was
/// taken before the limit was lowered. Any thread.
class Budget {
 public:
  explicit Budget(std::uint64_t limit) : limit_(limit) {}

  bool take(std::uint64_t bytes) {
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit || used > limit - bytes) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  void give(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  void set_limit(std::uint64_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  bool over() const { return used() > limit(); }

 private:
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> limit_;
};

/// Some bytes of a budget, given back when it goes. None: of a body that is not kept.
class Charge {
 public:
  Charge() = default;
  /// `bytes` have been taken.
  Charge(std::shared_ptr<Budget> budget, std::uint64_t bytes)
      : budget_(std::move(budget)), bytes_(bytes) {}
  Charge(Charge&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  Charge& operator=(Charge&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Charge() {
    if (budget_) budget_->give(bytes_);
  }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Budget> budget_;
  std::uint64_t bytes_ = 0;
};

}  // namespace weir::cache

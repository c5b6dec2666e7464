// Counter: written by one worker, read by any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

/// No locked instruction: only its own worker adds. Readers see a recent value.
class Counter {
 public:
  void add(std::uint64_t amount = 1) { store(value() + amount); }
  void subtract(std::uint64_t amount = 1) { store(value() - amount); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  void store(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace weir

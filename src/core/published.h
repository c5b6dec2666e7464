// Published: a value that is replaced as a whole now and then and read by workers without a lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "core/slots.h"

namespace weir {

/// Each worker keeps a reference of its own and looks at one shared number, which is written only
/// when the value changes: readers share no cache line that anybody writes.
template <class T>
class Published {
 public:
  /// Any thread. Workers see it with their next `get`; the old value goes with the last of them.
  void publish(std::shared_ptr<const T> value) {
    std::lock_guard lock(mutex_);
    value_ = std::move(value);
    version_.fetch_add(1, std::memory_order_release);
  }

  /// Null if nothing has been published. Valid until the next `get` with the same slots.
  const T* get(Slots& worker) const {
    Seen& seen = worker.get<Seen>(key_, [] { return std::make_unique<Seen>(); });
    if (seen.version != version_.load(std::memory_order_acquire)) look(seen);
    return seen.value.get();
  }

  /// For those who are no worker.
  std::shared_ptr<const T> shared() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  struct Seen {
    std::uint64_t version = 0;
    std::shared_ptr<const T> value;
  };
  void look(Seen& seen) const {
    std::lock_guard lock(mutex_);
    seen.version = version_.load(std::memory_order_relaxed);
    seen.value = value_;
  }

  SlotKey key_;
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
  std::atomic<std::uint64_t> version_{0};
};

}  // namespace weir

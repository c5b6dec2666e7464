// LineRing: whole lines from one worker to the thread that writes them, without a lock.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string_view>

#include "core/counter.h"

namespace weir {

/// A bounded ring of bytes with one producer and one consumer. A line that does not fit is
/// dropped and counted. The memory is taken at the first line.
class LineRing {
 public:
  static constexpr std::size_t kCapacity = 1 << 20;

  /// `capacity` is a power of two.
  explicit LineRing(std::size_t capacity = kCapacity) : capacity_(capacity) {}

  // --- the producer ---

  /// False if there was no room.
  bool put(std::string_view line);
  /// Bytes that wait; may already be fewer.
  std::size_t waiting() const {
    return head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_relaxed);
  }
  /// Nothing more will be put.
  void close() { closed_.store(true, std::memory_order_release); }

  // --- the consumer ---

  /// Where the lines that are there now end; a position for `piece`.
  std::size_t end() const { return head_.load(std::memory_order_acquire); }
  /// The next bytes before `end`, as far as they lie in one piece; empty if there are none.
  std::string_view piece(std::size_t end) const;
  void consume(std::size_t bytes) {
    tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
  }
  bool closed() const { return closed_.load(std::memory_order_acquire); }

  // --- any thread ---

  std::uint64_t lines() const { return lines_.value(); }
  std::uint64_t dropped() const { return dropped_.value(); }

 private:
  const std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;  // visible to the consumer with the first `head_`
  // Positions count bytes since the start; the producer moves the head, the consumer the tail.
  alignas(64) std::atomic<std::size_t> head_{0};
  Counter lines_;
  Counter dropped_;
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace weir

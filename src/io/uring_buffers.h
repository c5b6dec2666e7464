// The buffers that the kernel picks from when bytes arrive for a receive that was waiting.
#pragma once

#include <liburing.h>

#include <array>
#include <cstdint>

#include "core/result.h"
#include "io/buffer.h"

namespace weir {

/// A ring of blocks shared with the kernel. What arrives is either copied out, if it is small, or
/// leaves as the block itself and another takes its place: so the ring is refilled with every
/// completion, however long the readers keep what they got. It starts small and grows when one
/// batch of completions used up all of it.
class UringBuffers {
 public:
  static constexpr std::uint16_t kGroup = 0;

  explicit UringBuffers(BufferPool& pool) : pool_(pool) {}
  UringBuffers(const UringBuffers&) = delete;
  UringBuffers& operator=(const UringBuffers&) = delete;
  ~UringBuffers();

  /// Registers with a ring that is not yet running; fails where the kernel has no such rings.
  Status open(io_uring& ring);
  /// After the ring is gone.
  void close();

  /// The first `size` bytes of block `id`, which the kernel has filled.
  Slice take(std::uint16_t id, std::size_t size);
  /// Gives the kernel back a block that it picked and did not fill.
  void give_back(std::uint16_t id);
  /// A receive found no block.
  void ran_dry();

  unsigned provided() const { return provided_; }

 private:
  static constexpr unsigned kEntries = 256;  // a power of two
  static constexpr unsigned kStep = 32;
  static constexpr std::size_t kCopyBytes = BufferPool::kLeastSpace;

  void provide(std::uint16_t id);
  void grow();

  BufferPool& pool_;
  io_uring_buf_ring* shared_ = nullptr;
  std::array<Buffer*, kEntries> blocks_{};
  unsigned provided_ = 0;
};

}  // namespace weir

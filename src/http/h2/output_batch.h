// What one write of an HTTP/2 connection sends: frames copied into lent blocks, payload as slices.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "core/recycle.h"
#include "core/slice.h"
#include "io/buffer.h"

namespace weir::h2 {

/// Filled by the engine, then written, then cleared. An idle connection has none.
class OutputBatch : public Recycled<OutputBatch> {
 public:
  static constexpr std::size_t kSlices = 48;
  static constexpr std::size_t kBytes = 128 * 1024;
  /// Payload below this is copied: that costs less than an entry of its own.
  static constexpr std::size_t kCopyBelow = 2048;

  explicit OutputBatch(BufferPool& pool) : pool_(pool) {}

  /// Enough for one write. What is added beyond it still fits.
  bool full() const { return bytes_ >= kBytes || count_ + 4 >= kSlices; }
  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

  void copy(std::string_view bytes) {
    bytes_ += bytes.size();
    while (!bytes.empty()) {
      if (left_ == 0) next_block();
      std::size_t size = bytes.size() < left_ ? bytes.size() : left_;
      std::memcpy(next_, bytes.data(), size);
      next_ += size;
      left_ -= size;
      bytes.remove_prefix(size);
    }
  }

  /// `payload` is in memory.
  void add(Slice payload) {
    if (payload.size() < kCopyBelow || count_ + 2 >= kSlices) return copy(payload.view());
    end_run();
    bytes_ += payload.size();
    slices_[count_++] = std::move(payload);
  }

  /// Valid until `clear`. The writer consumes them.
  std::span<Slice> slices() {
    end_run();
    return {slices_.data(), count_};
  }

  /// Keeps nothing but the block in use.
  void clear() {
    for (std::size_t i = 0; i < count_; ++i) slices_[i] = Slice();
    count_ = 0;
    bytes_ = 0;
  }

 private:
  void next_block() {
    end_run();
    Buffer* block = pool_.reserve();
    block_ = pool_.commit_reserved(block, block->capacity());
    run_ = next_ = block->data();
    left_ = block->capacity();
  }

  // What was copied since the last slice becomes one.
  void end_run() {
    if (next_ == run_) return;
    slices_[count_++] = block_.part({run_, static_cast<std::size_t>(next_ - run_)});
    run_ = next_;
  }

  BufferPool& pool_;
  Slice block_;
  char* run_ = nullptr;
  char* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::array<Slice, kSlices> slices_;
};

}  // namespace weir::h2

// Buffers that a worker lends for the length of a read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/slice.h"

namespace weir {

class BufferPool;

/// A counted block; the bytes follow the object. Goes back to its pool with its last slice.
class Buffer : public SliceOwner {
 public:
  char* data() { return reinterpret_cast<char*>(this + 1); }
  std::uint32_t capacity() const { return capacity_; }

 private:
  friend class BufferPool;
  Buffer(BufferPool& pool, std::uint32_t capacity)
      : SliceOwner(&Buffer::release), pool_(&pool), capacity_(capacity) {}
  static void release(SliceOwner* self);

  BufferPool* pool_;
  Buffer* next_ = nullptr;
  std::uint32_t capacity_;
};

/// One per loop. Small reads are packed: they share a block until it is full, so a waiting
/// exchange pins about as many bytes as it was sent. The pool outlives every slice of it.
class BufferPool {
 public:
  static constexpr std::uint32_t kBlockBytes = 16 * 1024;
  static constexpr std::uint32_t kBulkBytes = 256 * 1024;
  static constexpr std::uint32_t kLeastSpace = 4 * 1024;  // less is not worth a read

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  struct Loan {
    Buffer* buffer;
    char* data;
    std::size_t size;
  };
  /// Space for one read; `bulk` asks for a large block of its own. Nothing is lent out until
  /// `commit`; a second `lend` before it may return the same space.
  Loan lend(bool bulk);
  /// The first `used` bytes of the loan, as a slice.
  Slice commit(const Loan& loan, std::size_t used);

  /// A whole block (of kBlockBytes) for an engine that hands memory to the kernel before bytes
  /// come. It leaves as a slice of its first `used` bytes, or goes back unused.
  Buffer* reserve();
  Slice commit_reserved(Buffer* block, std::size_t used);
  void unreserve(Buffer* block);

  /// Blocks that slices hold at this moment, for limits and tests.
  std::size_t lent() const {
    bool current_is_free = current_ != nullptr && current_->unique();
    return blocks_ - kept_blocks_ - reserved_blocks_ - (current_is_free ? 1 : 0) -
           (spare_bulk_ != nullptr ? 1 : 0);
  }
  std::size_t blocks() const { return blocks_; }

 private:
  friend class Buffer;
  struct List {
    Buffer* head = nullptr;
    std::uint32_t kept = 0;
  };
  Buffer* take(List& list, std::uint32_t capacity);
  void give_back(Buffer* buffer);

  List small_;
  List bulk_;
  Buffer* current_ = nullptr;  // the block that small reads share; one reference is ours
  std::size_t used_ = 0;
  Buffer* spare_bulk_ = nullptr;  // lent but not committed
  std::size_t blocks_ = 0;
  std::size_t kept_blocks_ = 0;
  std::size_t reserved_blocks_ = 0;
};

}  // namespace weir

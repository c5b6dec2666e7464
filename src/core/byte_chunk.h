// ByteChunk: memory that is filled piece by piece while parts of it are in use already.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <string_view>

#include "core/recycle.h"
#include "core/slice.h"

namespace weir {

/// What is in does not move. Lives as long as a slice of it.
class ByteChunk final : public SliceOwner {
 public:
  static ByteChunk* make(std::size_t capacity) {
    return new (recycle_allocate(sizeof(ByteChunk) + capacity)) ByteChunk(capacity);
  }

  std::size_t room() const { return capacity_ - used_; }
  void append(std::string_view bytes) {
    std::memcpy(data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  /// The bytes from `from` on.
  Slice since(std::size_t from) { return Slice(this, data() + from, used_ - from); }
  std::size_t used() const { return used_; }
  /// To be filled by somebody else, who then says how far.
  char* data() { return reinterpret_cast<char*>(this + 1); }
  void filled(std::size_t count) { used_ = count; }

 private:
  explicit ByteChunk(std::size_t capacity) : SliceOwner(&ByteChunk::release), capacity_(capacity) {}
  static void release(SliceOwner* self) {
    auto* chunk = static_cast<ByteChunk*>(self);
    recycle_free(chunk, sizeof(ByteChunk) + chunk->capacity_);
  }

  std::size_t capacity_;
  std::size_t used_ = 0;
};

}  // namespace weir

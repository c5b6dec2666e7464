#include "core/slice.h"

#include <cstring>
#include <new>

#include "core/recycle.h"

namespace weir {
namespace {

struct HeapBytes : SliceOwner {
  explicit HeapBytes(std::size_t bytes) : SliceOwner(&HeapBytes::release), total(bytes) {}
  char* data() { return reinterpret_cast<char*>(this + 1); }
  static void release(SliceOwner* self) {
    auto* bytes = static_cast<HeapBytes*>(self);
    recycle_free(bytes, bytes->total);
  }
  std::size_t total;
};

}  // namespace

Slice copy_slice(std::string_view text) {
  if (text.empty()) return {};
  std::size_t total = sizeof(HeapBytes) + text.size();
  auto* owner = new (recycle_allocate(total)) HeapBytes(total);
  std::memcpy(owner->data(), text.data(), text.size());
  return Slice(owner, owner->data(), text.size());
}

}  // namespace weir

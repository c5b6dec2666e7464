// Memory that lives exactly as long as one exchange and is given back in one go.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace weir {

/// Bump allocator over chunks of 4 KiB (larger where one request asks for more). Objects made
/// with `make` are destroyed by nobody: only trivially destructible types, or types whose
/// owner runs the destructor, belong here. Not thread safe.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() { release(); }

  /// Never returns null; `align` is a power of two up to 16.
  char* allocate(std::size_t bytes, std::size_t align = 1) {
    std::size_t padding =
        (align - (reinterpret_cast<std::size_t>(next_) & (align - 1))) & (align - 1);
    if (bytes + padding > static_cast<std::size_t>(end_ - next_)) return grow(bytes, align);
    char* block = next_ + padding;
    next_ = block + bytes;
    return block;
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    return new (allocate(sizeof(T), alignof(T))) T(std::forward<Args>(args)...);
  }

  template <class T>
  T* make_array(std::size_t count) {
    return reinterpret_cast<T*>(allocate(sizeof(T) * count, alignof(T)));
  }

  std::string_view copy(std::string_view text) {
    char* block = allocate(text.size());
    if (!text.empty()) std::memcpy(block, text.data(), text.size());
    return {block, text.size()};
  }

  /// The parts one after the other, as one text.
  std::string_view concat(std::initializer_list<std::string_view> parts);

  /// Bytes taken from the heap or the recycler so far, for limits.
  std::size_t allocated() const { return allocated_; }

  void release();

 private:
  struct Chunk {
    Chunk* previous;
    std::size_t bytes;
  };
  char* grow(std::size_t bytes, std::size_t align);

  char* next_ = nullptr;
  char* end_ = nullptr;
  Chunk* chunks_ = nullptr;
  std::size_t allocated_ = 0;
};

}  // namespace weir

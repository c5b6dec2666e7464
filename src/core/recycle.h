// Recycled blocks for coroutine frames and other short-lived objects of one thread.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace weir {

/// Blocks come from the calling thread's free lists, in classes of 16 bytes up to 8 KiB that
/// fill what the heap gives, and go back to the lists of the thread that frees them. Larger blocks,
/// and every block under AddressSanitizer, are plain heap blocks.
void* recycle_allocate(std::size_t bytes);
void recycle_free(void* block, std::size_t bytes) noexcept;

/// Heap blocks taken so far by this thread because no recycled one was at hand; for tests
/// that prove that the steady path allocates nothing.
std::size_t recycle_misses();

/// Gives all recycled blocks of this thread back to the heap.
void recycle_trim();

/// A base that makes `new T` use recycled blocks.
template <class T>
struct Recycled {
  static void* operator new(std::size_t bytes) { return recycle_allocate(bytes); }
  static void operator delete(void* block, std::size_t bytes) noexcept {
    recycle_free(block, bytes);
  }
};

}  // namespace weir

#include "core/recycle.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || (defined(__has_feature) && __has_feature(address_sanitizer))
#define WEIR_RECYCLE 0
#else
#define WEIR_RECYCLE 1
#endif

namespace weir {
namespace {

constexpr std::size_t kClasses = 512;  // up to 8 KiB
[[maybe_unused]] constexpr std::uint32_t kMaxKept =
    1024;  // per class: what a burst left behind goes back

// The heap's own blocks are multiples of 16 bytes, 8 of which are its own: classes are of 8, 24,
// 40 bytes and so on.
[[maybe_unused]] constexpr std::size_t class_of(std::size_t bytes) { return (bytes + 7) / 16; }
[[maybe_unused]] constexpr std::size_t bytes_of(std::size_t index) { return index * 16 + 8; }

struct Block {
  Block* next;
};

struct FreeLists {
  struct List {
    Block* head = nullptr;
    std::uint32_t kept = 0;
  };
  std::array<List, kClasses + 1> lists{};
  std::size_t misses = 0;

  ~FreeLists() { trim(); }

  void trim() {
    for (List& list : lists) {
      while (list.head != nullptr) {
        Block* block = list.head;
        list.head = block->next;
        std::free(block);
      }
      list.kept = 0;
    }
  }
};

thread_local FreeLists free_lists;

void* heap(std::size_t bytes) {
  ++free_lists.misses;
  void* block = std::malloc(bytes);
  if (block == nullptr) std::abort();  // out of memory: nothing sensible is left to do
  return block;
}

}  // namespace

void* recycle_allocate(std::size_t bytes) {
#if WEIR_RECYCLE
  std::size_t index = class_of(bytes);
  if (index > kClasses) return heap(bytes);
  FreeLists::List& list = free_lists.lists[index];
  if (list.head == nullptr) return heap(bytes_of(index));
  Block* block = list.head;
  list.head = block->next;
  --list.kept;
  return block;
#else
  return heap(bytes);
#endif
}

void recycle_free(void* block, std::size_t bytes) noexcept {
#if WEIR_RECYCLE
  std::size_t index = class_of(bytes);
  if (index <= kClasses) {
    FreeLists::List& list = free_lists.lists[index];
    if (list.kept < kMaxKept) {
      list.head = new (block) Block{list.head};
      ++list.kept;
      return;
    }
  }
#else
  (void)bytes;
#endif
  std::free(block);
}

std::size_t recycle_misses() { return free_lists.misses; }

void recycle_trim() { free_lists.trim(); }

}  // namespace weir

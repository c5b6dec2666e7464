#include "core/recycle.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

namespace weir {
namespace {

TEST(Recycle, gives_usable_blocks_of_every_size) {
  std::vector<std::pair<void*, std::size_t>> blocks;
  for (std::size_t bytes = 1; bytes < 10'000; bytes += 61) {
    void* block = recycle_allocate(bytes);
    std::memset(block, 0xab, bytes);
    blocks.emplace_back(block, bytes);
  }
  for (auto [block, bytes] : blocks) recycle_free(block, bytes);
  recycle_trim();
}

#if !defined(__SANITIZE_ADDRESS__) && !(__has_feature(address_sanitizer))
TEST(Recycle, reuses_a_freed_block_of_the_same_class) {
  void* first = recycle_allocate(90);
  recycle_free(first, 90);
  std::size_t misses = recycle_misses();
  void* second = recycle_allocate(104);
  EXPECT_EQ(second, first);
  EXPECT_EQ(recycle_misses(), misses);
  recycle_free(second, 104);
}
#endif

TEST(Recycle, counts_what_came_from_the_heap) {
  std::size_t before = recycle_misses();
  void* large = recycle_allocate(1 << 20);
  EXPECT_EQ(recycle_misses(), before + 1);
  recycle_free(large, 1 << 20);
}

struct Thing : Recycled<Thing> {
  char bytes[200];
};

TEST(Recycle, serves_new_of_a_recycled_type) {
  auto thing = std::make_unique<Thing>();
  std::memset(thing->bytes, 1, sizeof thing->bytes);
}

}  // namespace
}  // namespace weir

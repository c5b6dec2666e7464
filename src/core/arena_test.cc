#include "core/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

namespace weir {
namespace {

TEST(Arena, keeps_blocks_apart_and_aligned) {
  Arena arena;
  char* previous = nullptr;
  for (std::size_t i = 1; i < 2000; ++i) {
    std::size_t align = std::size_t{1} << (i % 5);
    char* block = arena.allocate(i % 97 + 1, align);
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % align, 0u);
    std::memset(block, static_cast<int>(i), i % 97 + 1);
    if (previous != nullptr) {
      ASSERT_EQ(static_cast<unsigned char>(*previous), static_cast<unsigned char>(i - 1));
    }
    previous = block;
  }
}

TEST(Arena, gives_a_large_block_its_own_chunk_and_keeps_using_the_current_one) {
  Arena arena;
  char* small = arena.allocate(16);
  std::size_t before = arena.allocated();
  char* large = arena.allocate(100'000);
  std::memset(large, 1, 100'000);
  EXPECT_GE(arena.allocated(), before + 100'000);
  EXPECT_EQ(arena.allocate(16), small + 16);
}

TEST(Arena, fills_a_chunk_to_its_last_byte) {
  Arena arena;
  arena.allocate(1);
  std::size_t one_chunk = arena.allocated();
  std::size_t count = 1;
  while (arena.allocated() == one_chunk) {
    *arena.allocate(1) = 'x';
    ++count;
  }
  EXPECT_GT(count, 4000u);
  EXPECT_LE(count, 4097u);
}

TEST(Arena, copies_and_joins_text) {
  Arena arena;
  std::string source = "host";
  std::string_view copy = arena.copy(source);
  source = "gone";
  EXPECT_EQ(copy, "host");
  EXPECT_EQ(arena.concat({"a", "", copy, "/"}), "ahost/");
  EXPECT_EQ(arena.copy(""), "");
  EXPECT_EQ(arena.concat({}), "");
}

TEST(Arena, starts_over_after_release) {
  Arena arena;
  for (int i = 0; i < 100; ++i) arena.allocate(1000);
  EXPECT_GT(arena.allocated(), 100'000u);
  arena.release();
  EXPECT_EQ(arena.allocated(), 0u);
  EXPECT_NE(arena.allocate(1), nullptr);
}

TEST(Arena, makes_objects_and_arrays) {
  struct Pair {
    int a;
    double b;
  };
  Arena arena;
  arena.allocate(3);
  Pair* pair = arena.make<Pair>(1, 2.5);
  EXPECT_EQ(pair->b, 2.5);
  std::uint64_t* numbers = arena.make_array<std::uint64_t>(1000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(numbers) % alignof(std::uint64_t), 0u);
  numbers[999] = 1;
}

}  // namespace
}  // namespace weir

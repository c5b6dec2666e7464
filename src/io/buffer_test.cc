#include "io/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace weir {
namespace {

Slice read(BufferPool& pool, std::size_t bytes, bool bulk = false) {
  BufferPool::Loan loan = pool.lend(bulk);
  EXPECT_GE(loan.size, bytes);
  std::memset(loan.data, 'x', bytes);
  return pool.commit(loan, bytes);
}

TEST(BufferPool, packs_small_reads_into_one_block) {
  BufferPool pool;
  std::vector<Slice> slices;
  for (int i = 0; i < 10; ++i) slices.push_back(read(pool, 1000));
  EXPECT_EQ(pool.blocks(), 1u);
  for (std::size_t i = 1; i < slices.size(); ++i) {
    EXPECT_EQ(slices[i].data(), slices[i - 1].data() + 1000);
  }
}

TEST(BufferPool, offers_at_least_the_least_space) {
  BufferPool pool;
  std::vector<Slice> slices;
  for (int i = 0; i < 1000; ++i) {
    BufferPool::Loan loan = pool.lend(false);
    ASSERT_GE(loan.size, BufferPool::kLeastSpace);
    slices.push_back(pool.commit(loan, 1 + static_cast<std::size_t>(i) % 3000));
  }
}

TEST(BufferPool, uses_the_same_memory_again_when_nobody_looks_at_it) {
  BufferPool pool;
  const char* first = read(pool, 5000).data();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(read(pool, 5000).data(), first);
  EXPECT_EQ(pool.blocks(), 1u);
}

TEST(BufferPool, does_not_touch_bytes_that_a_slice_still_shows) {
  BufferPool pool;
  Slice kept = read(pool, 12'000);
  std::memset(const_cast<char*>(kept.data()), 'k', kept.size());
  for (int i = 0; i < 10; ++i) read(pool, 4000);
  EXPECT_EQ(kept.view(), std::string(12'000, 'k'));
}

TEST(BufferPool, lends_nothing_before_commit) {
  BufferPool pool;
  BufferPool::Loan first = pool.lend(false);
  BufferPool::Loan second = pool.lend(false);
  EXPECT_EQ(first.data, second.data);
  BufferPool::Loan bulk = pool.lend(true);
  EXPECT_EQ(bulk.data, pool.lend(true).data);
  EXPECT_EQ(bulk.size, BufferPool::kBulkBytes);
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(BufferPool, counts_the_blocks_that_slices_hold) {
  BufferPool pool;
  EXPECT_EQ(pool.lent(), 0u);
  {
    Slice small = read(pool, 100);
    EXPECT_EQ(pool.lent(), 1u);
    Slice bulk = read(pool, 200'000, true);
    Slice other = read(pool, 100'000, true);
    EXPECT_EQ(pool.lent(), 3u);
  }
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(BufferPool, keeps_a_bounded_number_of_blocks_after_a_burst) {
  BufferPool pool;
  {
    std::vector<Slice> burst;
    for (int i = 0; i < 2000; ++i) burst.push_back(read(pool, 13'000));
    for (int i = 0; i < 40; ++i) burst.push_back(read(pool, 100'000, true));
    EXPECT_GE(pool.blocks(), 2040u);
  }
  EXPECT_LE(pool.blocks(), 300u);
  EXPECT_EQ(pool.lent(), 0u);
}

TEST(BufferPool, reserves_whole_blocks) {
  BufferPool pool;
  Buffer* kept = pool.reserve();
  Buffer* unused = pool.reserve();
  EXPECT_EQ(pool.lent(), 0u);
  std::memset(kept->data(), 'r', BufferPool::kBlockBytes);
  Slice slice = pool.commit_reserved(kept, 10);
  EXPECT_EQ(slice.view(), "rrrrrrrrrr");
  EXPECT_EQ(pool.lent(), 1u);
  pool.unreserve(unused);
  slice = Slice();
  EXPECT_EQ(pool.lent(), 0u);
}

}  // namespace
}  // namespace weir

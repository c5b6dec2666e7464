#include "core/slice.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace weir {
namespace {

struct Counted : SliceOwner {
  explicit Counted(int& count, Shared shared = Shared::no)
      : SliceOwner([](SliceOwner* self) { ++static_cast<Counted*>(self)->released; }, shared),
        released(count) {}
  int& released;
};

TEST(Slice, releases_its_owner_with_the_last_copy) {
  int released = 0;
  Counted owner(released);
  {
    Slice first(&owner, "abcdef", 6);
    EXPECT_TRUE(owner.unique());
    Slice second = first;
    EXPECT_FALSE(owner.unique());
    first = Slice();
    EXPECT_EQ(released, 0);
    Slice third = std::move(second);
    EXPECT_TRUE(second.empty());
    EXPECT_EQ(third.view(), "abcdef");
  }
  EXPECT_EQ(released, 1);
}

TEST(Slice, survives_assignment_to_itself) {
  Slice slice = copy_slice("text");
  Slice& same = slice;
  slice = same;
  EXPECT_EQ(slice.view(), "text");
}

TEST(Slice, takes_from_the_front) {
  Slice slice = copy_slice("head and tail");
  Slice head = slice.take(4);
  slice.advance(5);
  EXPECT_EQ(head.view(), "head");
  EXPECT_EQ(slice.view(), "tail");
  Slice all = slice.take(4);
  EXPECT_EQ(all.view(), "tail");
  EXPECT_TRUE(slice.empty());
}

TEST(Slice, parts_share_the_memory) {
  int released = 0;
  Counted owner(released);
  Slice part;
  {
    Slice whole(&owner, "abcdef", 6);
    part = whole.part(whole.view().substr(2, 3));
  }
  EXPECT_EQ(part.view(), "cde");
  EXPECT_EQ(released, 0);
}

TEST(Slice, of_a_file_moves_its_offset) {
  int released = 0;
  Counted owner(released);
  Slice range = Slice::of_file(&owner, 7, std::uint64_t{1} << 40, 1000);
  Slice head = range.take(300);
  EXPECT_EQ(head.kind(), Slice::Kind::file);
  EXPECT_EQ(head.offset(), std::uint64_t{1} << 40);
  EXPECT_EQ(head.size(), 300u);
  Slice copy = range;
  Slice moved = std::move(copy);
  EXPECT_EQ(moved.kind(), Slice::Kind::file);
  EXPECT_EQ(moved.file(), 7);
  EXPECT_EQ(moved.offset(), (std::uint64_t{1} << 40) + 300);
  EXPECT_EQ(moved.size(), 700u);
}

TEST(Slice, swaps_memory_with_a_file_range) {
  int released = 0;
  Counted owner(released);
  Slice file = Slice::of_file(&owner, 3, 99, 5);
  Slice text = Slice::unowned("text");
  file.swap(text);
  EXPECT_EQ(file.view(), "text");
  EXPECT_EQ(text.offset(), 99u);
  EXPECT_EQ(text.kind(), Slice::Kind::file);
}

TEST(Slice, copies_of_text_are_independent_of_it) {
  std::string text(10'000, 'x');
  Slice slice = copy_slice(text);
  text.assign(text.size(), 'y');
  EXPECT_EQ(slice.view(), std::string(10'000, 'x'));
  EXPECT_TRUE(copy_slice("").empty());
}

TEST(Slice, of_a_shared_owner_is_counted_across_threads) {
  int released = 0;
  Counted owner(released, SliceOwner::Shared::yes);
  Slice slice(&owner, "shared", 6);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([copy = slice] {
      for (int round = 0; round < 10'000; ++round) Slice another = copy;
    });
  }
  for (std::thread& each : threads) each.join();
  threads.clear();
  EXPECT_TRUE(owner.unique());
  slice = Slice();
  EXPECT_EQ(released, 1);
}

}  // namespace
}  // namespace weir

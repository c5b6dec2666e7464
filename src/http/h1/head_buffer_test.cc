#include "http/h1/head_buffer.h"

#include <string>

#include <gtest/gtest.h>

namespace weir::h1 {
namespace {

TEST(HeadBuffer, keeps_the_slice_that_one_read_brought) {
  Slice first = copy_slice("headrest");
  const char* bytes = first.data();
  HeadBuffer buffer(std::move(first));
  Slice rest;
  Slice head = buffer.take(4, rest);
  EXPECT_EQ(head.data(), bytes);
  EXPECT_EQ(rest.view(), "rest");
}

TEST(HeadBuffer, gathers_pieces_and_says_how_much_was_seen) {
  Arena arena;
  HeadBuffer buffer(copy_slice("he"));
  buffer.append(copy_slice("adre"), arena);
  EXPECT_EQ(buffer.seen(), 2u);
  buffer.append(copy_slice("st"), arena);
  EXPECT_EQ(buffer.seen(), 6u);
  Slice rest;
  EXPECT_EQ(buffer.take(4, rest).view(), "head");
  EXPECT_EQ(rest.view(), "rest");
}

TEST(HeadBuffer, gives_a_rest_that_outlives_the_arena) {
  Slice rest;
  {
    Arena arena;
    HeadBuffer buffer(copy_slice("he"));
    buffer.append(copy_slice("adrest"), arena);
    buffer.take(4, rest);
  }
  EXPECT_EQ(rest.view(), "rest");
}

TEST(HeadBuffer, copies_a_dripping_head_in_linear_space) {
  Arena arena;
  HeadBuffer buffer(copy_slice("x"));
  for (int i = 0; i < 4095; ++i) buffer.append(copy_slice("x"), arena);
  EXPECT_EQ(buffer.view().size(), 4096u);
  EXPECT_LT(arena.allocated(), 4u * 8192);
}

}  // namespace
}  // namespace weir::h1

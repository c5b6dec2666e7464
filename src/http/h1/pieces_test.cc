#include "http/h1/pieces.h"

#include <string>

#include <gtest/gtest.h>

namespace weir::h1 {
namespace {

std::string text_of(Pieces& pieces) {
  std::string text;
  for (const Slice& slice : pieces.span()) text += slice.view();
  return text;
}

TEST(Pieces, frames_what_was_added_as_one_chunk) {
  Pieces pieces;
  pieces.add(Slice::unowned("head"));
  pieces.begin_chunk(true);
  pieces.add(Slice::unowned("hello "));
  pieces.add(Slice::unowned("world"));
  pieces.end_chunk();
  EXPECT_EQ(text_of(pieces), "headb\r\nhello world\r\n");
  EXPECT_EQ(pieces.payload(), 11u);
}

TEST(Pieces, leaves_out_the_framing_of_a_chunk_without_payload) {
  Pieces pieces;
  pieces.begin_chunk(true);
  pieces.end_chunk();
  EXPECT_EQ(text_of(pieces), "");
}

TEST(Pieces, adds_nothing_to_a_body_that_is_not_chunked) {
  Pieces pieces;
  pieces.begin_chunk(false);
  pieces.add(Slice::unowned("bytes"));
  pieces.end_chunk();
  EXPECT_EQ(text_of(pieces), "bytes");
}

TEST(Pieces, ends_a_chunked_body_with_its_trailers) {
  Arena arena;
  Headers trailers(arena);
  trailers.add("Digest", "abc");
  Pieces pieces;
  ASSERT_TRUE(pieces.add_last_chunk(&trailers, arena));
  EXPECT_EQ(text_of(pieces), "0\r\nDigest: abc\r\n\r\n");
}

TEST(Pieces, holds_a_full_load_with_all_its_framing) {
  Arena arena;
  Pieces pieces;
  pieces.add(Slice::unowned("head"));
  pieces.begin_chunk(true);
  while (!pieces.full()) pieces.add(copy_slice("x"));
  pieces.end_chunk();
  ASSERT_TRUE(pieces.add_last_chunk(nullptr, arena));
  EXPECT_EQ(text_of(pieces), "head6\r\nxxxxxx\r\n0\r\n\r\n");
  pieces.clear();
  EXPECT_TRUE(pieces.span().empty());
}

}  // namespace
}  // namespace weir::h1

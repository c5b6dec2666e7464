#include "http/h1/chunked.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "http/h1/testing.h"
#include "http/h1/writer.h"

namespace weir::h1 {
namespace {

using testing::Decoded;
using Kind = ChunkedDecoder::Step::Kind;

TEST(ChunkedDecoder, gives_the_body_however_it_is_cut) {
  std::string text = "5\r\nhello\r\n1;x=\"y\"\r\n,\r\n00A\r\n wonderful\r\n0\r\nX-Sum: 1\r\n\r\n";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Decoded decoded(text + "GET", cut);
    EXPECT_TRUE(decoded.ended) << cut << decoded.error.detail;
    EXPECT_EQ(decoded.body, "hello, wonderful") << cut;
    EXPECT_EQ(decoded.consumed, text.size()) << cut;
    EXPECT_EQ(decoded.decoder.trailers().get("X-Sum"), "1") << cut;
  }
}

TEST(ChunkedDecoder, every_beginning_needs_more) {
  std::string text = "5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    Decoded decoded(text.substr(0, size));
    EXPECT_EQ(decoded.error.code, ErrorCode::none) << size;
    EXPECT_FALSE(decoded.ended) << size;
    EXPECT_EQ(decoded.consumed, size);
  }
}

TEST(ChunkedDecoder, lends_data_out_of_the_input) {
  Arena arena;
  ChunkedDecoder decoder(arena, Origin::client);
  std::string_view in = "5\r\nhello\r\n0\r\n\r\n";
  auto step = decoder.next(in);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->kind, Kind::data);
  EXPECT_EQ(step->data.data(), in.data() + 3);
  EXPECT_EQ(step->consumed, 8u);
  step = decoder.next(in.substr(8));
  ASSERT_TRUE(step);
  EXPECT_EQ(step->kind, Kind::end);
  EXPECT_EQ(step->consumed, 7u);
  EXPECT_TRUE(decoder.done());
}

TEST(ChunkedDecoder, says_how_much_data_may_bypass_it) {
  Arena arena;
  ChunkedDecoder decoder(arena, Origin::upstream);
  EXPECT_EQ(decoder.data_left(), 0u);
  ASSERT_TRUE(decoder.next("64\r\n"));
  EXPECT_EQ(decoder.data_left(), 100u);
  decoder.skip_data(60);
  EXPECT_EQ(decoder.data_left(), 40u);
  decoder.skip_data(40);
  EXPECT_EQ(decoder.data_left(), 0u);
  auto step = decoder.next("\r\n0\r\n\r\n");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->kind, Kind::end);
}

TEST(ChunkedDecoder, takes_nothing_after_the_end) {
  Decoded decoded("0\r\n\r\n");
  auto step = decoded.decoder.next("5\r\nhello");
  ASSERT_TRUE(step);
  EXPECT_EQ(step->kind, Kind::end);
  EXPECT_EQ(step->consumed, 0u);
}

TEST(ChunkedDecoder, takes_sizes_of_up_to_16_digits_in_either_case) {
  EXPECT_EQ(Decoded("0000000000000005\r\nhello\r\n0\r\n\r\n").body, "hello");
  EXPECT_EQ(Decoded("a\r\n0123456789\r\n0\r\n\r\n").body, "0123456789");
  EXPECT_EQ(Decoded("0A\r\n0123456789\r\n0\r\n\r\n").body, "0123456789");
  EXPECT_TRUE(Decoded("0000000000000000\r\n\r\n").ended);
}

TEST(ChunkedDecoder, extension_limit_is_exact) {
  for (int off : {-1, 0, 1}) {
    std::string name(static_cast<std::size_t>(50 - 1 + off), 'n');  // and the semicolon
    for (std::size_t cut : {0, 1}) {
      Decoded decoded("5;" + name + "\r\nhello\r\n0\r\n\r\n", cut, {.extension_bytes = 50});
      EXPECT_EQ(decoded.error.code, off == 1 ? ErrorCode::limit : ErrorCode::none);
      EXPECT_EQ(decoded.body, off == 1 ? "" : "hello");
    }
  }
}

TEST(ChunkedDecoder, excess_limit_is_exact) {
  // Each chunk has 1 + 1 + 28 + 2 + 2 = 34 bytes of framing for one byte: 16 in excess.
  std::string chunk = "1;" + std::string(28, 'n') + "\r\nx\r\n";
  for (int off : {-1, 0, 1}) {
    std::string text;
    for (int i = 0; i < 10 + off; ++i) text += chunk;
    Decoded decoded(text + "0\r\n\r\n", 0, {.excess_bytes = 160});
    EXPECT_EQ(decoded.error.code, off == 1 ? ErrorCode::limit : ErrorCode::none);
  }
}

TEST(ChunkedDecoder, data_pays_for_framing) {
  std::string lean = "1;" + std::string(28, 'n') + "\r\nx\r\n";
  std::string fat = "40\r\n" + std::string(64, 'x') + "\r\n";
  std::string text;
  for (int i = 0; i < 1000; ++i) text += lean + fat;
  EXPECT_TRUE(Decoded(text + "0\r\n\r\n", 0, {.excess_bytes = 160}).ended);
}

TEST(ChunkedDecoder, trailer_byte_limit_is_exact) {
  for (int off : {-1, 0, 1}) {
    std::string section =
        "X: " + std::string(static_cast<std::size_t>(100 - 7 + off), 'v') + "\r\n\r\n";
    for (std::size_t cut : {0, 1, 9}) {
      Decoded decoded("0\r\n" + section + "GET /", cut, {.trailer_bytes = 100});
      EXPECT_EQ(decoded.error.code, off == 1 ? ErrorCode::head_too_large : ErrorCode::none) << cut;
      EXPECT_EQ(decoded.ended, off != 1);
      if (off != 1) EXPECT_EQ(decoded.consumed, 3 + section.size());
    }
  }
}

TEST(ChunkedDecoder, trailer_count_limit_is_exact) {
  for (int off : {-1, 0, 1}) {
    std::string section;
    for (int i = 0; i < 32 + off; ++i) section += "X: y\r\n";
    Decoded decoded("0\r\n" + section + "\r\n");
    EXPECT_EQ(decoded.error.code, off == 1 ? ErrorCode::head_too_large : ErrorCode::none);
  }
}

TEST(ChunkedDecoder, refuses_trailers_altogether_at_a_limit_of_zero) {
  EXPECT_TRUE(Decoded("0\r\n\r\n", 0, {.trailer_bytes = 0}).ended);
  EXPECT_EQ(Decoded("0\r\nX: y\r\n\r\n", 0, {.trailer_bytes = 0}).error.code,
            ErrorCode::head_too_large);
}

TEST(ChunkedDecoder, keeps_trailers_after_the_input_is_gone) {
  Arena arena;
  ChunkedDecoder decoder(arena, Origin::client);
  {
    testing::ExactBytes in("0\r\nX-Sum: 12345\r\n\r\n");
    ASSERT_TRUE(decoder.next(in.view()));
  }
  EXPECT_EQ(decoder.trailers().get("x-sum"), "12345");
}

std::string encode(std::string_view body, std::size_t piece) {
  std::string text;
  for (std::size_t at = 0; at < body.size(); at += piece) {
    std::string_view part = body.substr(at, piece);
    char head[kMaxChunkHead];
    text.append(head, write_chunk_head(head, part.size()));
    text += part;
    text += kChunkEnd;
  }
  return text;
}

TEST(ChunkEncoder, what_it_writes_decodes_to_the_same) {
  std::mt19937 random(7);
  for (std::size_t size : {0, 1, 15, 16, 17, 255, 256, 5000}) {
    std::string body;
    for (std::size_t i = 0; i < size; ++i) body += static_cast<char>(random());
    for (std::size_t piece : {1, 16, 1000}) {
      Decoded decoded(encode(body, piece) + std::string(kLastChunk), 7);
      EXPECT_TRUE(decoded.ended);
      EXPECT_EQ(decoded.body, body);
    }
  }
}

TEST(ChunkEncoder, writes_the_largest_size) {
  char out[kMaxChunkHead];
  EXPECT_EQ(std::string_view(out, write_chunk_head(out, ~std::uint64_t{0})),
            "ffffffffffffffff\r\n");
  EXPECT_EQ(std::string_view(out, write_chunk_head(out, 26)), "1a\r\n");
}

TEST(ChunkEncoder, writes_trailers_behind_the_last_chunk) {
  Arena arena;
  Headers trailers(arena);
  trailers.add("X-Sum", "42");
  char out[64];
  auto written = write_last_chunk(out, out + sizeof(out), trailers);
  ASSERT_TRUE(written);
  EXPECT_EQ(*written, "0\r\nX-Sum: 42\r\n\r\n");
  EXPECT_EQ(Decoded(*written).decoder.trailers().get("X-Sum"), "42");
  EXPECT_EQ(write_last_chunk(out, out + 8, trailers).error().code, ErrorCode::limit);
}

}  // namespace
}  // namespace weir::h1

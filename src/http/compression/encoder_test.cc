#include "http/compression/encoder.h"

#include <gtest/gtest.h>

#include <string>

#include "http/compression/decoder.h"
#include "http/compression/encoder_pool.h"
#include "io/testing.h"

namespace weir {
namespace {

/// Text that compresses well, and bytes that do not.
std::string sample(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) {
    text += "line " + std::to_string(i * 7919) + ", ";
    if (i % 50 == 0) text += test::pattern(64, i);
  }
  text.resize(size);
  return text;
}

std::string encode(Encoder& encoder, std::string_view in, Flush flush, std::size_t room) {
  std::string out;
  std::string buffer(room, '\0');
  while (true) {
    Result<Encoded> done = encoder.encode(in, buffer, flush);
    EXPECT_TRUE(done);
    if (!done) return out;
    out.append(buffer, 0, done->written);
    if (!done->more) break;
  }
  EXPECT_TRUE(in.empty());
  return out;
}

Result<std::string> decode(Decoder& decoder, std::string_view in, std::size_t room = 1000) {
  std::string out;
  std::string buffer(room, '\0');
  while (true) {
    Result<Decoded> done = decoder.decode(in, buffer, Origin::upstream);
    if (!done) return fail(done.error());
    out.append(buffer, 0, done->written);
    if (!done->more) return out;
  }
}

class Codings : public ::testing::TestWithParam<Coding> {};

TEST_P(Codings, give_back_what_was_put_in_whatever_the_pieces) {
  for (std::size_t size : {0, 1, 100, 65'536, 1'000'000}) {
    std::string text = sample(size);
    for (std::size_t room : {64, 16'384}) {
      auto encoder = make_encoder(GetParam(), std::nullopt);
      std::string packed;
      std::string_view rest = text;
      while (rest.size() > 10'000) {
        packed += encode(*encoder, rest.substr(0, 10'000), Flush::none, room);
        rest.remove_prefix(10'000);
      }
      packed += encode(*encoder, rest, Flush::none, room);
      packed += encode(*encoder, {}, Flush::end, room);
      auto decoder = make_decoder(GetParam());
      Result<std::string> out = decode(*decoder, packed);
      ASSERT_TRUE(out);
      EXPECT_TRUE(*out == text) << size;
      EXPECT_TRUE(decoder->complete());
    }
  }
}

TEST_P(Codings, what_was_flushed_can_be_read_at_once) {
  auto encoder = make_encoder(GetParam(), std::nullopt);
  auto decoder = make_decoder(GetParam());
  for (int i = 0; i < 5; ++i) {
    std::string event = "data: " + std::to_string(i) + "\n\n";
    std::string packed = encode(*encoder, event, Flush::none, 1000);
    packed += encode(*encoder, {}, Flush::sync, 1000);
    EXPECT_EQ(decode(*decoder, packed).value(), event);
    EXPECT_FALSE(decoder->complete());
  }
  EXPECT_EQ(decode(*decoder, encode(*encoder, {}, Flush::end, 1000)).value(), "");
  EXPECT_TRUE(decoder->complete());
}

TEST_P(Codings, an_encoder_that_is_used_again_begins_anew) {
  EncoderPool pool;
  std::string text = sample(50'000);
  auto first = pool.take(GetParam(), text.size());
  encode(*first, "something else", Flush::none, 1000);  // a stream that was broken off
  pool.give_back(GetParam(), std::move(first));
  auto again = pool.take(GetParam(), text.size());
  std::string packed =
      encode(*again, text, Flush::none, 1000) + encode(*again, {}, Flush::end, 1000);
  EXPECT_TRUE(decode(*make_decoder(GetParam()), packed).value() == text);
}

TEST_P(Codings, what_is_not_encoded_so_is_refused) {
  auto decoder = make_decoder(GetParam());
  Result<std::string> out = decode(*decoder, std::string(300, '\x11'));
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, ErrorCode::parse);
}

TEST_P(Codings, attack_46_a_bomb_is_stopped) {
  auto encoder = make_encoder(GetParam(), std::nullopt);
  std::string bomb = encode(*encoder, std::string(50'000'000, 'x'), Flush::none, 16'384);
  bomb += encode(*encoder, {}, Flush::end, 16'384);
  auto decoder = make_decoder(GetParam());
  std::size_t out = 0;
  std::string_view in = bomb;
  std::string buffer(16'384, '\0');
  while (true) {
    Result<Decoded> done = decoder->decode(in, buffer, Origin::upstream);
    if (!done) {
      EXPECT_EQ(done.error().code, ErrorCode::limit);
      break;
    }
    out += done->written;
    ASSERT_TRUE(done->more) << "all of it came out";
  }
  EXPECT_LE(out, decoder->limit.free + decoder->limit.ratio * (bomb.size() + 1));
  EXPECT_LT(out, 50'000'000u);
}

INSTANTIATE_TEST_SUITE_P(All, Codings,
                         ::testing::Values(Coding::gzip, Coding::zstd, Coding::brotli),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST(GzipDecoder, reads_members_that_follow_each_other) {
  auto one = make_encoder(Coding::gzip, std::nullopt);
  auto two = make_encoder(Coding::gzip, std::nullopt);
  std::string packed = encode(*one, "a", Flush::end, 100) + encode(*two, "b", Flush::end, 100);
  EXPECT_EQ(decode(*make_decoder(Coding::gzip), packed).value(), "ab");
}

TEST(ZstdDecoder, formats_of_before_the_standard_are_refused) {
  std::string good = encode(*make_encoder(Coding::zstd, 4), "text", Flush::end, 1000);
  EXPECT_EQ(decode(*make_decoder(Coding::zstd), good + good).value(), "texttext");
  for (char first : {'\x1e', '\x22', '\x23', '\x24', '\x25', '\x26', '\x27'}) {
    std::string old = good;
    old[0] = first;
    for (const std::string& text : {old, good + old, old.substr(0, 1)}) {
      EXPECT_EQ(decode(*make_decoder(Coding::zstd), text).error().code, ErrorCode::parse);
    }
  }
}

}  // namespace
}  // namespace weir

#include "middleware/compress.h"

#include <gmock/gmock.h>

#include <deque>

#include "http/chain_testing.h"
#include "http/compression/decoder.h"
#include "http/compression/encoder_pool.h"
#include "http/testing.h"
#include "io/sim/loop.h"
#include "middleware/compress/compressed_body.h"

namespace weir {
namespace {

using test::Fields;
using test::PiecesBody;
using ::testing::HasSubstr;

std::string unpacked(Coding coding, std::string_view in) {
  auto decoder = make_decoder(coding);
  std::string out;
  std::string buffer(16'384, '\0');
  while (true) {
    Result<Decoded> done = decoder->decode(in, buffer, Origin::upstream);
    EXPECT_TRUE(done);
    if (!done) return out;
    out.append(buffer, 0, done->written);
    if (!done->more) return out;
  }
}

/// What can be had without waiting.
std::string taken(Body& body) {
  std::string all;
  while (std::optional<Slice> piece = body.try_read()) {
    if (piece->empty()) break;
    all += piece->view();
  }
  return all;
}

class CompressTest : public ::testing::Test {
 protected:
  CompressTest() { world_.add_loop(); }
  test::Answer ask(Fields headers = {{"Accept-Encoding", "gzip"}}, std::string method = "GET") {
    CompressMiddleware middleware(config_);
    test::Chain chain(middleware, origin_);
    return test::run(world_.loop(0),
                     test::answer_of(world_.loop(0), chain,
                                     {.method = std::move(method), .headers = std::move(headers)}));
  }
  bool compresses(Fields headers = {{"Accept-Encoding", "gzip"}}) {
    return ask(std::move(headers)).fields.find("Content-Encoding") != std::string::npos;
  }
  CompressConfig config_;
  test::Page origin_;
  SimWorld world_{1};
};

TEST_F(CompressTest, a_client_gets_what_it_likes_most) {
  for (auto [asked, coding] :
       {std::pair("gzip", Coding::gzip), std::pair("gzip, br", Coding::brotli),
        std::pair("zstd;q=0.1, gzip, br;q=0.5", Coding::gzip),
        std::pair("gzip, br, zstd", Coding::zstd)}) {
    test::Answer answer = ask({{"Accept-Encoding", asked}});
    EXPECT_THAT(answer.fields, HasSubstr("Content-Encoding: " + std::string(name(coding)) + "\n"));
    EXPECT_LT(answer.body.size(), 500u);
    EXPECT_EQ(unpacked(coding, answer.body), origin_.content) << asked;
  }
}

TEST_F(CompressTest, what_is_compressed_is_another_representation) {
  origin_.fields.push_back({"Content-Digest", "sha-256=:x:"});
  test::Answer answer = ask();
  EXPECT_EQ(answer.fields,
            "Content-Type: text/html\nETag: W/\"v1\"\nVary: Accept-Encoding\n"
            "Content-Encoding: gzip\n");
  test::Answer head = ask({{"Accept-Encoding", "gzip"}}, "HEAD");
  EXPECT_EQ(head.fields, answer.fields);
}

TEST_F(CompressTest, others_are_told_that_there_is_a_choice) {
  test::Answer plain = ask({});
  EXPECT_EQ(plain.body, origin_.content);
  EXPECT_THAT(plain.fields, HasSubstr("ETag: \"v1\"\n"));
  EXPECT_THAT(plain.fields, HasSubstr("Vary: Accept-Encoding\n"));
}

TEST_F(CompressTest, what_would_not_gain_or_must_not_change_stays) {
  Fields good = origin_.fields;
  EXPECT_TRUE(compresses());
  for (auto [name, value] :
       {std::pair("Content-Encoding", "br"), std::pair("Content-Range", "bytes 0-1/2"),
        std::pair("Cache-Control", "public, No-Transform")}) {
    origin_.fields.push_back({name, value});
    EXPECT_EQ(ask().body, origin_.content) << name;
    origin_.fields = good;
  }
  origin_.fields[0].second = "image/png";
  EXPECT_FALSE(compresses());
  origin_.fields[0].second = "Application/Problem+JSON; charset=utf-8";
  EXPECT_TRUE(compresses());
  origin_.status = 206;
  EXPECT_FALSE(compresses());
  origin_.status = 200;
  origin_.content = std::string(1023, 'a');
  EXPECT_FALSE(compresses());
  origin_.content = std::string(1024, 'a');
  EXPECT_TRUE(compresses());
}

TEST_F(CompressTest, a_304_has_the_entity_tag_that_the_client_knows) {
  origin_.status = 304;
  origin_.content.clear();
  EXPECT_THAT(ask({{"Accept-Encoding", "gzip"}, {"If-None-Match", "W/\"v1\""}}).fields,
              HasSubstr("ETag: W/\"v1\"\n"));
  EXPECT_THAT(ask({{"Accept-Encoding", "gzip"}, {"If-None-Match", "\"v1\""}}).fields,
              HasSubstr("ETag: \"v1\"\n"));
}

TEST_F(CompressTest, attack_46_pages_that_another_site_asks_for_as_the_user_stay) {
  Fields secret{{"Accept-Encoding", "gzip"}, {"Cookie", "session=1"}};
  auto with = [&](std::string name, std::string value) {
    Fields fields = secret;
    fields.push_back({std::move(name), std::move(value)});
    return fields;
  };
  EXPECT_TRUE(compresses(secret));
  EXPECT_TRUE(compresses(with("Sec-Fetch-Site", "same-origin")));
  EXPECT_FALSE(compresses(with("Sec-Fetch-Site", "cross-site")));
  EXPECT_FALSE(compresses(with("Referer", "https://evil.example/?shop.example")));
  EXPECT_TRUE(compresses(with("Referer", "https://shop.example/cart")));
  EXPECT_TRUE(compresses({{"Accept-Encoding", "gzip"}, {"Sec-Fetch-Site", "cross-site"}}));
}

TEST_F(CompressTest, events_reach_their_readers_one_by_one) {
  PiecesBody events({"data: 1\n\n", "", "data: 2\n\n", "", "data: 3\n\n"});
  CompressedBody body(world_.loop(0), events, Coding::gzip, make_encoder(Coding::gzip, {}));
  body.begin();
  std::string all = taken(body);
  EXPECT_EQ(unpacked(Coding::gzip, all), "data: 1\n\n");
  EXPECT_FALSE(body.try_read()) << "the origin is silent";
  all += test::run(world_.loop(0), body.read())->view();
  EXPECT_EQ(unpacked(Coding::gzip, all), "data: 1\n\ndata: 2\n\n");
}

TEST_F(CompressTest, a_small_body_that_is_there_has_a_length) {
  MemoryBody page(copy_slice(std::string(30'000, 'b')));
  CompressedBody body(world_.loop(0), page, Coding::gzip, make_encoder(Coding::gzip, {}));
  EXPECT_FALSE(body.length());
  body.begin();
  ASSERT_TRUE(body.length());
  EXPECT_EQ(EncoderPool::of(world_.loop(0).slots()).kept(Coding::gzip), 1u) << "others may have it";
  EXPECT_EQ(taken(body).size(), *body.length());
}

TEST_F(CompressTest, large_bodies_arrive_whole) {
  for (int i = 0; i < 40; ++i) origin_.pieces.push_back(test::pattern(50'000, i % 3));
  std::string whole;
  for (const std::string& each : origin_.pieces) whole += each;
  EXPECT_TRUE(unpacked(Coding::gzip, ask().body) == whole);
  EXPECT_EQ(EncoderPool::of(world_.loop(0).slots()).kept(Coding::gzip), 1u);
}

}  // namespace
}  // namespace weir

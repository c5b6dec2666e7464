#include "middleware/decompress.h"

#include <gmock/gmock.h>

#include "http/chain_testing.h"
#include "http/compression/encoder.h"
#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using test::Fields;
using ::testing::HasSubstr;

std::string packed(Coding coding, std::string_view in) {
  auto encoder = make_encoder(coding, in.size());
  std::string out;
  std::string buffer(16'384, '\0');
  while (true) {
    Result<Encoded> done = encoder->encode(in, buffer, Flush::end);
    EXPECT_TRUE(done);
    if (!done) return out;
    out.append(buffer, 0, done->written);
    if (!done->more) return out;
  }
}

class DecompressTest : public ::testing::Test {
 protected:
  DecompressTest() {
    world_.add_loop();
    answer_with(Coding::gzip);
  }
  void answer_with(Coding coding) {
    origin_.content = packed(coding, text_);
    origin_.fields = {{"Content-Type", "text/html"},
                      {"ETag", "\"v1\""},
                      {"Accept-Ranges", "bytes"},
                      {"Content-Encoding", std::string(name(coding))}};
  }
  test::Answer ask(Fields headers = {}, std::string method = "GET") {
    DecompressMiddleware middleware(config_);
    test::Chain chain(middleware, origin_);
    return test::run(world_.loop(0),
                     test::answer_of(world_.loop(0), chain,
                                     {.method = std::move(method), .headers = std::move(headers)}));
  }
  DecompressConfig config_;
  std::string text_ = test::pattern(100'000, 1) + std::string(100'000, 'a');
  test::Page origin_;
  SimWorld world_{1};
};

TEST_F(DecompressTest, a_client_that_knows_no_coding_gets_the_text) {
  for (Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    answer_with(coding);
    test::Answer answer = ask();
    EXPECT_TRUE(answer.body == text_) << name(coding);
    EXPECT_EQ(answer.fields, "Content-Type: text/html\nETag: W/\"v1\"\nVary: Accept-Encoding\n");
    EXPECT_EQ(ask({}, "HEAD").fields, answer.fields);
    EXPECT_TRUE(ask({{"Accept-Encoding", "identity"}}).body == text_);
    EXPECT_TRUE(ask({{"Accept-Encoding", "gzip;q=0, br;q=0, zstd;q=0"}}).body == text_);
  }
}

TEST_F(DecompressTest, a_client_that_takes_the_coding_gets_it) {
  test::Answer answer = ask({{"Accept-Encoding", "gzip;q=0.1"}});
  EXPECT_TRUE(answer.body == origin_.content);
  EXPECT_THAT(answer.fields, HasSubstr("Content-Encoding: gzip\n"));
  EXPECT_THAT(answer.fields, HasSubstr("ETag: \"v1\"\n"));
  EXPECT_THAT(answer.fields, HasSubstr("Vary: Accept-Encoding\n"));
}

TEST_F(DecompressTest, what_cannot_or_must_not_be_changed_stays) {
  Fields good = origin_.fields;
  for (auto [name, value] :
       {std::pair("Content-Encoding", "br"), std::pair("Content-Range", "bytes 0-1/2"),
        std::pair("Cache-Control", "no-transform")}) {
    origin_.fields.push_back({name, value});
    EXPECT_TRUE(ask().body == origin_.content) << name;
    origin_.fields = good;
  }
  for (std::string coding : {"compress", "gzip, br", "aes128gcm"}) {
    origin_.fields.back().second = coding;
    EXPECT_TRUE(ask().body == origin_.content) << coding;
  }
  origin_.fields = good;
  origin_.content.clear();
  EXPECT_EQ(ask().body, "");
  EXPECT_EQ(ask().error.code, ErrorCode::none);
}

TEST_F(DecompressTest, pieces_of_any_size_give_the_same_text) {
  std::string all = origin_.content;
  for (std::size_t at = 0; at < all.size(); at += 997) {
    origin_.pieces.push_back(all.substr(at, 997));
    if (at % 5 == 0) origin_.pieces.push_back("");
  }
  EXPECT_TRUE(ask().body == text_);
}

TEST_F(DecompressTest, what_is_broken_or_cut_short_breaks_the_response_off) {
  std::string good = origin_.content;
  origin_.content = good.substr(0, good.size() - 1);
  EXPECT_EQ(ask().error.code, ErrorCode::truncated);
  origin_.content = good + "more";
  EXPECT_EQ(ask().error.code, ErrorCode::parse);
  origin_.content = "this is not gzip at all";
  EXPECT_EQ(ask().error.code, ErrorCode::parse);
  EXPECT_EQ(ask().error.origin, Origin::upstream);
}

TEST_F(DecompressTest, attack_46_a_bomb_stops_at_the_ratio) {
  text_ = std::string(20'000'000, 'a');
  for (Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
    answer_with(coding);
    test::Answer answer = ask();
    EXPECT_EQ(answer.error.code, ErrorCode::limit) << name(coding);
    EXPECT_LE(answer.body.size(), origin_.content.size() * 100 + 1024 * 1024 + 16'384);
  }
}

TEST_F(DecompressTest, no_more_comes_out_than_the_size_allows) {
  for (std::size_t off : {0, 1, 2}) {
    config_.max_size.bytes = text_.size() - 1 + off;
    test::Answer answer = ask();
    EXPECT_EQ(answer.error.code, off == 0 ? ErrorCode::limit : ErrorCode::none);
    EXPECT_EQ(answer.body.size() < text_.size(), off == 0);
  }
}

TEST_F(DecompressTest, a_304_has_the_entity_tag_that_the_client_knows) {
  origin_.status = 304;
  origin_.content.clear();
  origin_.fields = {{"ETag", "\"v1\""}};
  EXPECT_EQ(ask({{"If-None-Match", "W/\"v1\""}}).fields, "ETag: W/\"v1\"\n");
  EXPECT_EQ(ask({{"If-None-Match", "\"v1\""}}).fields, "ETag: \"v1\"\n");
}

}  // namespace
}  // namespace weir

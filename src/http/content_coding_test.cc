#include "http/content_coding.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

constexpr Coding kAll[] = {Coding::zstd, Coding::brotli, Coding::gzip};

class AcceptedCodingsTest : public ::testing::Test {
 protected:
  Coding choose(std::string_view value) {
    Headers headers(arena_);
    headers.add(HeaderId::accept_encoding, value);
    return AcceptedCodings(headers).choose(kAll);
  }
  std::uint16_t weight(std::string_view value, Coding coding) {
    Headers headers(arena_);
    headers.add(HeaderId::accept_encoding, value);
    return AcceptedCodings(headers).weight(coding);
  }
  Arena arena_;
};

TEST_F(AcceptedCodingsTest, nothing_said_means_not_encoded) {
  Headers none(arena_);
  EXPECT_EQ(AcceptedCodings(none).choose(kAll), Coding::identity);
  EXPECT_EQ(choose(""), Coding::identity);
}

TEST_F(AcceptedCodingsTest, the_server_chooses_among_equals) {
  EXPECT_EQ(choose("gzip, deflate, br, zstd"), Coding::zstd);
  EXPECT_EQ(choose("gzip, br"), Coding::brotli);
  EXPECT_EQ(choose("GZIP"), Coding::gzip);
  EXPECT_EQ(choose("x-gzip"), Coding::gzip);
  EXPECT_EQ(choose("*"), Coding::zstd);
}

TEST_F(AcceptedCodingsTest, the_client_s_weights_win) {
  EXPECT_EQ(choose("gzip;q=1.0, br;q=0.5, zstd;q=0.001"), Coding::gzip);
  EXPECT_EQ(choose("gzip;q=0.2, identity;q=0.5"), Coding::identity);
  EXPECT_EQ(choose("gzip ; q=0.2 , identity;q=0.1"), Coding::gzip);
  EXPECT_EQ(choose("*;q=0.5, zstd;q=0, br;q=0"), Coding::gzip);
}

TEST_F(AcceptedCodingsTest, a_weight_of_zero_is_a_refusal) {
  EXPECT_EQ(choose("gzip;q=0"), Coding::identity);
  EXPECT_EQ(choose("gzip;q=0.000, br;Q=0"), Coding::identity);
  EXPECT_EQ(choose("*;q=0"), Coding::identity);
  EXPECT_EQ(weight("identity;q=0, gzip", Coding::identity), 0);
  EXPECT_EQ(weight("*;q=0", Coding::identity), 0);
}

TEST_F(AcceptedCodingsTest, a_weight_that_cannot_be_read_counts_for_nothing) {
  for (std::string_view bad : {"gzip;q=", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=-1",
                               "gzip;q=.5", "gzip;level=1", "gzip;", "gzip;q=1;q=1"}) {
    EXPECT_EQ(choose(bad), Coding::identity) << bad;
  }
}

TEST_F(AcceptedCodingsTest, several_lines_are_one_list) {
  Headers headers(arena_);
  headers.add(HeaderId::accept_encoding, "gzip;q=0.5");
  headers.add(HeaderId::accept_encoding, "br");
  EXPECT_EQ(AcceptedCodings(headers).choose(kAll), Coding::brotli);
}

TEST_F(AcceptedCodingsTest, the_normal_form_is_one_text_for_the_same_wishes) {
  auto form = [&](std::string_view value) {
    Headers headers(arena_);
    headers.add(HeaderId::accept_encoding, value);
    return std::string(AcceptedCodings(headers).normal_form().view());
  };
  EXPECT_EQ(form("gzip, deflate, br, zstd"), "gzip, zstd, br");
  EXPECT_EQ(form("br;q=1.0,zstd , gzip;q=1, x-new"), "gzip, zstd, br");
  EXPECT_EQ(form("gzip;q=0.2, br;q=0.25"), "br, gzip;q=0.9");
  EXPECT_EQ(form("*"), "gzip, zstd, br");
  EXPECT_EQ(form("gzip;q=0, *;q=0.5"), "zstd, br");
  EXPECT_EQ(form("deflate"), "identity");
  EXPECT_EQ(form(""), "identity");
}

// Whatever a server offers, it chooses the same for both.
TEST_F(AcceptedCodingsTest, the_normal_form_means_what_it_was_made_of) {
  const std::vector<std::string> weights = {"", "0", "0.3", "0.300", "0.7", "1"};
  const std::vector<std::vector<Coding>> offers = {{Coding::zstd, Coding::brotli, Coding::gzip},
                                                   {Coding::gzip, Coding::zstd},
                                                   {Coding::brotli, Coding::gzip},
                                                   {Coding::gzip},
                                                   {Coding::brotli},
                                                   {Coding::zstd}};
  std::size_t combinations =
      weights.size() * weights.size() * weights.size() * weights.size() * weights.size();
  for (std::size_t number = 0; number < combinations; ++number) {
    std::string value;
    std::size_t rest = number;
    for (std::string name : {"gzip", "br", "zstd", "identity", "*"}) {
      const std::string& weight = weights[rest % weights.size()];
      rest /= weights.size();
      if (!weight.empty()) value += name + ";q=" + weight + ", ";
    }
    Headers said(arena_);
    said.add(HeaderId::accept_encoding, value);
    auto form = AcceptedCodings(said).normal_form();
    Headers normal(arena_);
    normal.add(HeaderId::accept_encoding, form.view());
    EXPECT_EQ(AcceptedCodings(normal).normal_form().view(), form.view());
    for (const auto& offer : offers) {
      ASSERT_EQ(AcceptedCodings(normal).choose(offer), AcceptedCodings(said).choose(offer))
          << value << " / " << form.view();
    }
  }
}

TEST(VaryByEncoding, is_said_once) {
  Arena arena;
  Headers headers(arena);
  vary_by_encoding(headers);
  EXPECT_EQ(headers.get(HeaderId::vary), "Accept-Encoding");
  vary_by_encoding(headers);
  EXPECT_EQ(headers.get(HeaderId::vary), "Accept-Encoding");
  headers.set(HeaderId::vary, "Cookie, accept-encoding");
  vary_by_encoding(headers);
  EXPECT_EQ(headers.get(HeaderId::vary), "Cookie, accept-encoding");
  headers.set(HeaderId::vary, "Cookie");
  vary_by_encoding(headers);
  EXPECT_EQ(headers.get(HeaderId::vary), "Cookie, Accept-Encoding");
  headers.set(HeaderId::vary, "*");
  vary_by_encoding(headers);
  EXPECT_EQ(headers.get(HeaderId::vary), "*");
}

}  // namespace
}  // namespace weir

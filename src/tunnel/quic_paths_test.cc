#include "tunnel/quic_paths.h"

#include <gtest/gtest.h>

#include <utility>

namespace weir {
namespace {

std::shared_ptr<Endpoint> endpoint(std::string_view address) {
  return std::make_shared<Endpoint>(*Address::parse(address));
}

TEST(QuicPaths, finds_an_endpoint_by_what_begins_with_an_id) {
  QuicPaths paths;
  auto one = endpoint("10.0.0.1:443");
  auto two = endpoint("10.0.0.2:443");
  QuicPaths::Hold first(paths, "12345678", one);
  QuicPaths::Hold second(paths, "1234", two);
  EXPECT_EQ(paths.find_prefix("12345678 and a packet"), one);
  EXPECT_EQ(paths.find_prefix("12345"), two);
  EXPECT_EQ(paths.find_prefix("123"), nullptr);
  EXPECT_EQ(paths.find("12345678"), one);
  EXPECT_EQ(paths.find("12345678 and a packet"), nullptr);
}

TEST(QuicPaths, an_id_is_forgotten_with_its_last_session) {
  QuicPaths paths;
  QuicPaths::Hold before(paths, "12345678", endpoint("10.0.0.1:443"));
  {
    QuicPaths::Hold after(paths, "12345678", endpoint("10.0.0.1:443"));
    QuicPaths::Hold moved(std::move(before));
    EXPECT_EQ(moved.id(), "12345678");
    EXPECT_EQ(before.id(), "");
    before = std::move(moved);
  }
  EXPECT_TRUE(paths.find("12345678"));
  before = QuicPaths::Hold();
  EXPECT_FALSE(paths.find("12345678"));
}

}  // namespace
}  // namespace weir

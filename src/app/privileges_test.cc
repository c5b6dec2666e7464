#include "app/privileges.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Account, is_found_by_name) {
  auto root = find_account("root");
  ASSERT_TRUE(root);
  EXPECT_EQ(root->user, 0u);
  EXPECT_FALSE(find_account("nobody-of-that-name"));
}

TEST(Account, that_is_unknown_is_an_error_at_its_place) {
  ServerConfig config;
  config::Diagnostics diagnostics;
  EXPECT_FALSE(account_to_become(config, diagnostics));
  EXPECT_TRUE(diagnostics.ok());
  config.user = {"nobody-of-that-name", {0, 3, 7, 5}};
  EXPECT_FALSE(account_to_become(config, diagnostics));
  ASSERT_EQ(diagnostics.error_count(), 1u);
  EXPECT_EQ(diagnostics.sorted()[0].code, config::Code::unknown_user);
  EXPECT_EQ(diagnostics.sorted()[0].position.line, 3u);
}

class ConnectionLimitTest : public testing::Test {
 protected:
  /// One worker, no listener: what is kept back is the same for all.
  std::uint32_t settle(std::optional<std::uint32_t> wanted, std::size_t descriptors) {
    ServerConfig config;
    config.limits.max_connections = wanted;
    settle_connection_limit(config, descriptors, 1, diagnostics_);
    return config.limits.max_connections.value();
  }
  config::Diagnostics diagnostics_;
};

TEST_F(ConnectionLimitTest, warns_as_soon_as_the_descriptors_do_not_suffice) {
  std::size_t enough = 2000 + 64 + 8 + 1;
  EXPECT_EQ(settle(1000, enough), 1000u);
  EXPECT_TRUE(diagnostics_.empty());
  EXPECT_EQ(settle(1000, enough - 1), 1000u);
  ASSERT_EQ(diagnostics_.warning_count(), 1u);
  EXPECT_EQ(diagnostics_.sorted()[0].code, config::Code::descriptor_limit);
  EXPECT_NE(diagnostics_.sorted()[0].help.find("999 or less"), std::string::npos);
}

TEST_F(ConnectionLimitTest, follows_the_descriptors_when_it_is_not_given) {
  std::uint32_t few = settle({}, 1024);
  std::uint32_t many = settle({}, 1 << 20);
  EXPECT_GT(few, 256u);
  EXPECT_LT(few, 1024u);
  EXPECT_GT(many, 500'000u);
  EXPECT_TRUE(diagnostics_.empty());
  EXPECT_GE(settle({}, 10), 1u) << "never unlimited";
}

}  // namespace
}  // namespace weir

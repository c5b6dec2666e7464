#include "cluster/alias.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

const std::vector<std::string> kKeys = {"the first key", "the second key"};

std::vector<std::shared_ptr<Endpoint>> endpoints(int count) {
  std::vector<std::shared_ptr<Endpoint>> all;
  for (int i = 1; i <= count; ++i) {
    auto port = static_cast<std::uint16_t>(i);
    all.push_back(std::make_shared<Endpoint>(Address(IpAddress{}, port)));
  }
  return all;
}

TEST(Alias, depends_on_the_key_the_cluster_and_the_endpoint) {
  Alias alias = alias_of("key", "api", "10.0.0.1:80");
  EXPECT_EQ(alias, alias_of("key", "api", "10.0.0.1:80"));
  EXPECT_NE(alias, alias_of("yek", "api", "10.0.0.1:80"));
  EXPECT_NE(alias, alias_of("key", "shop", "10.0.0.1:80"));
  EXPECT_NE(alias, alias_of("key", "api", "10.0.0.2:80"));
}

TEST(AliasTable, finds_every_endpoint_by_every_key) {
  auto all = endpoints(100);
  AliasTable table(all, "api", kKeys);
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(table[i], alias_of(kKeys[0], "api", all[i]->text));
    EXPECT_EQ(table.find(table[i]), i);
    EXPECT_EQ(table.find(alias_of(kKeys[1], "api", all[i]->text)), i);
  }
}

TEST(AliasTable, knows_nothing_that_it_did_not_make) {
  auto all = endpoints(100);
  AliasTable table(all, "api", kKeys);
  EXPECT_FALSE(table.find({}));
  EXPECT_FALSE(table.find(alias_of("another key", "api", all[0]->text)));
  Alias bent = table[3];
  bent.low ^= 1;
  EXPECT_FALSE(table.find(bent));
}

TEST(AliasTable, of_no_endpoints_is_empty) { EXPECT_FALSE(AliasTable({}, "api", kKeys).find({})); }

TEST(AliasKey, is_another_one_each_time) {
  EXPECT_EQ(random_alias_key().size(), 32u);
  EXPECT_NE(random_alias_key(), random_alias_key());
}

}  // namespace
}  // namespace weir

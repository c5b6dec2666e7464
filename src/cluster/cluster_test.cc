#include "cluster/cluster.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

WeightedAddress at(int last, std::uint32_t weight = 1) {
  return {*Address::parse("10.0.0." + std::to_string(last) + ":80"), weight};
}

TEST(Cluster, has_no_endpoints_before_its_first_update) {
  Cluster cluster("api");
  EXPECT_TRUE(cluster.endpoints()->endpoints.empty());
  EXPECT_EQ(cluster.version(), 0u);
}

TEST(Cluster, changes_its_version_only_when_the_set_changes) {
  Cluster cluster("api");
  cluster.update("", {at(1), at(2)});
  std::uint64_t version = cluster.version();
  cluster.update("", {at(1), at(2)});
  EXPECT_EQ(cluster.version(), version);
  cluster.update("", {at(1), at(3)});
  EXPECT_NE(cluster.version(), version);
}

TEST(Cluster, keeps_the_objects_of_endpoints_that_stay) {
  Cluster cluster("api");
  cluster.update("", {at(1), at(2)});
  auto before = cluster.endpoints();
  cluster.update("", {at(2), at(3)});
  auto after = cluster.endpoints();
  EXPECT_EQ(before->endpoints[1], after->endpoints[0]);
}

TEST(Cluster, counts_an_address_of_two_sources_once_with_the_larger_weight) {
  Cluster cluster("api");
  cluster.update("", {at(1, 2)});
  cluster.update("dns:api:80", {at(1, 5), at(2)});
  auto set = cluster.endpoints();
  ASSERT_EQ(set->endpoints.size(), 2u);
  EXPECT_EQ(set->weights[0], 5u);
}

TEST(Cluster, drops_the_endpoints_of_sources_that_are_gone) {
  Cluster cluster("api");
  cluster.update("", {at(1)});
  cluster.update("dns:api:80", {at(2)});
  cluster.keep_sources({""});
  ASSERT_EQ(cluster.endpoints()->endpoints.size(), 1u);
  EXPECT_EQ(cluster.endpoints()->endpoints[0]->address, at(1).address);
}

}  // namespace
}  // namespace weir

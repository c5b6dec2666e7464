#include "cluster/endpoint.h"

#include <map>

#include <gtest/gtest.h>

namespace weir {
namespace {

EndpointSet set_of(std::vector<std::uint32_t> weights) {
  EndpointSet set;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    set.endpoints.push_back(
        std::make_shared<Endpoint>(*Address::parse("10.0.0." + std::to_string(i + 1) + ":80")));
  }
  set.weights = std::move(weights);
  set.make_rotation();
  return set;
}

TEST(EndpointSet, rotates_in_order_when_all_weights_are_equal) {
  EXPECT_EQ(set_of({7, 7, 7}).rotation, (std::vector<std::uint32_t>{0, 1, 2}));
}

TEST(EndpointSet, spreads_weights_smoothly_over_the_period) {
  EXPECT_EQ(set_of({5, 1, 1}).rotation, (std::vector<std::uint32_t>{0, 0, 1, 0, 2, 0, 0}));
}

TEST(EndpointSet, gives_each_endpoint_its_exact_share) {
  EndpointSet set = set_of({30, 20, 10});
  std::map<std::uint32_t, int> share;
  for (std::uint32_t index : set.rotation) ++share[index];
  EXPECT_EQ(share[0], 3);
  EXPECT_EQ(share[1], 2);
  EXPECT_EQ(share[2], 1);
}

TEST(SharedConnections, gives_back_the_one_that_was_put_last) {
  SharedConnections shared;
  EXPECT_FALSE(shared.take());
  shared.put({1, {}, {}, 0});
  shared.put({2, {}, {}, 0});
  EXPECT_EQ(shared.take()->socket, 2);
  EXPECT_EQ(shared.take()->socket, 1);
  EXPECT_TRUE(shared.empty());
}

TEST(SharedConnections, refuses_what_is_above_its_limit) {
  SharedConnections shared;
  for (std::size_t i = 0; i < SharedConnections::kLimit; ++i) {
    EXPECT_TRUE(shared.put({static_cast<int>(i), {}, {}, 0}));
  }
  EXPECT_FALSE(shared.put({99, {}, {}, 0}));
}

TEST(SharedConnections, takes_out_what_has_been_idle_for_too_long) {
  SharedConnections shared;
  shared.put({1, {}, TimePoint(Duration(10)), 0});
  shared.put({2, {}, TimePoint(Duration(20)), 0});
  auto old = shared.take_older(TimePoint(Duration(20)));
  ASSERT_EQ(old.size(), 1u);
  EXPECT_EQ(old[0].socket, 1);
}

}  // namespace
}  // namespace weir

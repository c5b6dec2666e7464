#include "cluster/endpoint.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

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

#include "cluster/connection_places.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// Connections on two workers, of which each names itself in `served` when it has its place.
class Places : public testing::Test {
 protected:
  static constexpr std::uint32_t kMost = 2;     // connections
  static constexpr std::uint32_t kWaiting = 3;  // that may wait

  ~Places() override {
    stop_.request({ErrorCode::cancelled});
    world_.run();
  }

  void take(SimLoop& loop, std::string name, Duration patience = 1h) {
    world_.spawn(loop, stand(loop, std::move(name), patience));
    world_.run_for(1ms);
  }
  Task<void> stand(Loop& loop, std::string name, Duration patience) {
    EndpointLimits limits{.queue = kWaiting, .queue_timeout = patience, .max_connections = kMost};
    auto given = co_await places_->take(loop, limits, stop_.token());
    served_.push_back(given ? name : name + " " + std::string(weir::name(given.error().code)));
    if (given) held_.push_back(std::move(*given));
  }
  void close_one() {
    held_.erase(held_.begin());
    world_.run_for(1ms);
  }

  using Served = std::vector<std::string>;
  SimWorld world_{1};
  SimLoop& one_ = world_.add_loop("10.1.0.1");
  SimLoop& two_ = world_.add_loop("10.1.0.2");
  std::shared_ptr<ConnectionPlaces> places_ = std::make_shared<ConnectionPlaces>();
  StopSource stop_;
  std::vector<ConnectionPlaces::Place> held_;
  Served served_;
};

TEST_F(Places, are_no_more_than_the_limit) {
  take(one_, "a");
  take(two_, "b");
  EXPECT_EQ(places_->open(), kMost);
  take(one_, "c");
  EXPECT_EQ(served_, Served({"a", "b"}));
  EXPECT_EQ(places_->open(), kMost);
  EXPECT_EQ(places_->waiting(), 1u);
}

TEST_F(Places, are_given_in_order_over_the_workers) {
  for (const char* each : {"a", "b", "c"}) take(one_, each);
  take(two_, "d");
  take(one_, "e");
  while (!held_.empty()) close_one();
  EXPECT_EQ(served_, Served({"a", "b", "c", "d", "e"}));
  EXPECT_EQ(places_->open(), 0u);
  EXPECT_EQ(places_->waiting(), 0u);
}

TEST_F(Places, are_not_given_to_who_comes_later) {
  for (const char* each : {"a", "b", "c"}) take(one_, each);
  held_.erase(held_.begin());  // the post to the one who waits is on its way
  take(two_, "d");
  EXPECT_EQ(served_, Served({"a", "b", "c"}));
}

TEST_F(Places, refuse_what_is_above_the_queue) {
  for (const char* each : {"a", "b", "c", "d", "e"}) take(one_, each);
  EXPECT_EQ(places_->waiting(), kWaiting);
  take(two_, "f");
  EXPECT_EQ(served_.back(), "f queue_full");
}

TEST_F(Places, let_those_go_who_waited_long_enough) {
  take(one_, "a");
  take(one_, "b");
  take(one_, "c", 10ms);
  world_.run_for(20ms);
  EXPECT_EQ(served_.back(), "c queue_timeout");
  EXPECT_EQ(places_->waiting(), 0u);
  take(two_, "d");
  close_one();
  EXPECT_EQ(served_.back(), "d");
}

TEST_F(Places, ask_everybody_who_may_have_idle_connections_for_one) {
  int asked = 0;
  ConnectionPlaces::Keeper keeper(places_, two_, [&] {
    ++asked;
    if (places_->waiting() > 0) held_.erase(held_.begin());
  });
  take(one_, "a");
  take(two_, "b");
  EXPECT_EQ(asked, 0);
  take(one_, "c");
  world_.run_for(1ms);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(served_, Served({"a", "b", "c"}));
  EXPECT_EQ(places_->open(), kMost);
}

TEST_F(Places, outlive_their_endpoint_as_long_as_a_connection_is_open) {
  take(one_, "a");
  std::weak_ptr<ConnectionPlaces> left = places_;
  places_.reset();
  EXPECT_FALSE(left.expired());
  held_.clear();
  EXPECT_TRUE(left.expired());
}

}  // namespace
}  // namespace weir

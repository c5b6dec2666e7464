#include "cluster/request_queue.h"

#include <gtest/gtest.h>

#include "cluster/cluster.h"
#include "io/deadline.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// Requests on two workers, of which each names itself in `served` when it has its turn.
class Queue : public testing::Test {
 protected:
  static constexpr std::uint32_t kMost = 3;  // that may wait

  Queue() {
    limit(1);
    put({1, 2});
  }
  ~Queue() override {
    stop_.request({ErrorCode::cancelled});
    world_.run();
  }

  void limit(std::uint32_t max_requests) {
    BalancePolicy policy;
    policy.max_requests = max_requests;
    cluster_.set_policy(policy);
  }
  void put(std::vector<int> numbers) {
    std::vector<WeightedAddress> addresses;
    for (int each : numbers) {
      addresses.push_back({*Address::parse("10.0.0." + std::to_string(each) + ":80"), 1});
    }
    cluster_.update("", std::move(addresses));
  }
  Endpoint& endpoint(std::size_t index) { return *cluster_.endpoints()->endpoints[index]; }
  RequestQueue& queue() { return cluster_.queue(); }
  void fill() {
    for (const auto& each : cluster_.endpoints()->endpoints) each->in_flight = 1;
  }

  void wait(SimLoop& loop, std::string name, std::vector<const Endpoint*> tried = {},
            Duration patience = 1h) {
    world_.spawn(loop, stand(loop, std::move(name), std::move(tried), queue().epoch(), patience));
    world_.run_for(1ms);
  }
  Task<void> stand(Loop& loop, std::string name, std::vector<const Endpoint*> tried,
                   std::uint64_t epoch, Duration patience) {
    Deadline deadline(loop, patience, stop_.token());
    OperationAwaiter<RequestQueue::Wait> turn(deadline.token(), queue(), loop, nullptr,
                                              std::move(tried), epoch, kMost);
    Result<std::shared_ptr<Endpoint>> given = co_await turn;
    served_.push_back(name + " " +
                      (given ? (*given)->text : std::string(weir::name(given.error().code))));
  }
  void end(std::size_t index) {
    queue().ended(endpoint(index));
    world_.run_for(1ms);
  }

  using Served = std::vector<std::string>;
  SimWorld world_{1};
  SimLoop& one_ = world_.add_loop("10.1.0.1");
  SimLoop& two_ = world_.add_loop("10.1.0.2");
  Cluster cluster_{"api"};
  StopSource stop_;
  Served served_;
};

TEST_F(Queue, serves_in_order_over_the_workers) {
  fill();
  wait(one_, "a");
  wait(two_, "b");
  wait(one_, "c");
  EXPECT_EQ(queue().waiting(), 3u);
  end(1);
  EXPECT_EQ(served_, Served({"a 10.0.0.2:80"}));
  end(0);
  end(0);
  EXPECT_EQ(served_, Served({"a 10.0.0.2:80", "b 10.0.0.1:80", "c 10.0.0.1:80"}));
  EXPECT_EQ(queue().waiting(), 0u);
  EXPECT_EQ(endpoint(0).in_flight, 1u);
  end(0);
  EXPECT_EQ(endpoint(0).in_flight, 0u);
}

TEST_F(Queue, refuses_what_is_above_its_bound) {
  fill();
  for (std::uint32_t i = 0; i < kMost; ++i) wait(one_, std::to_string(i));
  EXPECT_EQ(served_, Served());
  wait(two_, "last");
  EXPECT_EQ(served_, Served({"last queue_full"}));
}

TEST_F(Queue, lets_those_go_who_waited_long_enough) {
  fill();
  wait(one_, "a", {}, 10ms);
  wait(one_, "b");
  world_.run_for(20ms);
  EXPECT_EQ(served_, Served({"a timeout"}));
  EXPECT_EQ(queue().waiting(), 1u);
  end(0);
  EXPECT_EQ(served_.back(), "b 10.0.0.1:80");
}

TEST_F(Queue, passes_over_who_cannot_use_an_endpoint) {
  fill();
  wait(one_, "a", {&endpoint(0)});
  wait(two_, "b");
  end(0);
  EXPECT_EQ(served_, Served({"b 10.0.0.1:80"}));
  end(1);
  EXPECT_EQ(served_.back(), "a 10.0.0.2:80");
}

TEST_F(Queue, misses_no_place_that_became_free_before_one_waited) {
  fill();
  std::uint64_t before = queue().epoch();
  queue().ended(endpoint(0));
  world_.spawn(one_, stand(one_, "a", {}, before, 1h));
  world_.run_for(1ms);
  EXPECT_EQ(served_, Served({"a 10.0.0.1:80"}));
}

TEST_F(Queue, gives_nothing_to_an_endpoint_that_is_away_until_it_is_back) {
  fill();
  cluster_.set_away(endpoint(0), Away::unhealthy, true);
  wait(one_, "a");
  end(0);
  EXPECT_EQ(served_, Served());
  cluster_.set_away(endpoint(0), Away::unhealthy, false);
  world_.run_for(1ms);
  EXPECT_EQ(served_, Served({"a 10.0.0.1:80"}));
}

TEST_F(Queue, looks_again_when_endpoints_come_or_limits_grow) {
  fill();
  wait(one_, "a");
  wait(two_, "b");
  put({1, 2, 3});
  world_.run_for(1ms);
  EXPECT_EQ(served_, Served({"a 10.0.0.3:80"}));
  limit(2);
  world_.run_for(1ms);
  EXPECT_EQ(served_.back(), "b 10.0.0.1:80");
}

TEST_F(Queue, lets_everybody_go_on_without_limits) {
  fill();
  wait(one_, "a");
  wait(two_, "b");
  limit(0);
  world_.run_for(1ms);
  EXPECT_EQ(served_.size(), 2u);
}

TEST_F(Queue, counts_a_place_that_was_given_to_who_is_stopped_meanwhile) {
  fill();
  wait(one_, "a");
  queue().ended(endpoint(0));
  stop_.request({ErrorCode::client_gone});
  world_.run_for(1ms);
  EXPECT_EQ(served_, Served({"a 10.0.0.1:80"}));
  EXPECT_EQ(endpoint(0).in_flight, 1u);
}

}  // namespace
}  // namespace weir

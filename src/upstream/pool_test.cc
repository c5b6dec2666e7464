#include "upstream/pool.h"

#include <gmock/gmock.h>

#include "http/h1/scripted_origin.h"
#include "io/sim/stream.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::listen_on;
using test::Script;

/// Two workers with a pool each for one cluster of two endpoints.
class PoolTest : public ::testing::Test {
 protected:
  PoolTest()
      : world_(1),
        first_(world_.add_loop("10.0.0.1")),
        second_(world_.add_loop("10.0.0.2")),
        origin_(std::make_unique<test::ScriptedOrigin>(world_, "10.0.0.9:80",
                                                       std::vector<Script>{{listen_on()}})),
        cluster_(std::make_shared<Cluster>("api")) {
    cluster_->update("", {{origin_->address(), 1}, {*Address::parse("10.0.0.8:80"), 1}});
    pool_ = std::make_unique<Pool>(first_, cluster_, true);
    other_ = std::make_unique<Pool>(second_, cluster_, true);
    limits_.idle_timeout = 10s;
    pool_->endpoints();
    other_->endpoints();
  }
  ~PoolTest() override {
    on(second_, [this] { other_.reset(); });
    on(first_, [this] { pool_.reset(); });
    world_.stop_tasks();
    world_.run();
    origin_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  /// Runs `work` in a turn of the loop: what is done there belongs to its worker.
  void on(SimLoop& loop, std::function<void()> work) { test::run(loop, turn(std::move(work))); }
  static Task<void> turn(std::function<void()> work) {
    work();
    co_return;
  }

  const Endpoint& endpoint(std::size_t index = 0) {
    return *cluster_->endpoints()->endpoints.at(index);
  }

  h1::ClientConnection open(SimLoop& loop) {
    return test::run(loop, connect(loop, origin_->address()));
  }
  static Task<h1::ClientConnection> connect(Loop& loop, Address address) {
    auto stream = co_await loop.connect(std::move(address));
    EXPECT_TRUE(stream);
    if (!stream) co_return h1::ClientConnection{};
    co_return h1::ClientConnection{std::move(*stream), loop.now(), 1};
  }

  void put(h1::ClientConnection connection) {
    on(first_, [&] { pool_->put(endpoint(), 0, std::move(connection), limits_); });
  }
  /// `count` connections that end up idle in the first worker's pool.
  void fill(std::size_t count) {
    std::vector<h1::ClientConnection> made;
    for (std::size_t i = 0; i < count; ++i) made.push_back(open(first_));
    for (auto& each : made) put(std::move(each));
  }
  /// The number of the socket that was taken; -1 for none. It is closed then.
  int take(SimLoop& loop, Pool& pool, bool certain = false) {
    int socket = -1;
    on(loop, [&] {
      h1::ClientConnection taken = pool.take(endpoint(), 0, certain, limits_);
      if (taken.stream) socket = sim_socket(*taken.stream);
    });
    return socket;
  }
  int take(bool certain = false) { return take(first_, *pool_, certain); }
  void wait(Duration time) { world_.run_for(time); }
  /// Connections that the origin has.
  std::size_t open_at_origin() { return world_.network().accepted_at(origin_->address()).size(); }
  SimWorld world_;
  SimLoop& first_;
  SimLoop& second_;
  std::unique_ptr<test::ScriptedOrigin> origin_;
  std::shared_ptr<Cluster> cluster_;
  std::unique_ptr<Pool> pool_;
  std::unique_ptr<Pool> other_;
  PoolLimits limits_;
};

TEST_F(PoolTest, gives_the_connection_that_was_used_last) {
  h1::ClientConnection a = open(first_), b = open(first_);
  int first = sim_socket(*a.stream), last = sim_socket(*b.stream);
  put(std::move(a));
  put(std::move(b));
  EXPECT_EQ(pool_->idle(), 2u);
  EXPECT_EQ(take(), last);
  EXPECT_EQ(take(), first);
  EXPECT_EQ(take(), -1);
  EXPECT_EQ(pool_->counters().reused.value(), 2u);
}

TEST_F(PoolTest, keeps_the_endpoints_apart) {
  fill(1);
  on(first_, [this] { EXPECT_FALSE(pool_->take(endpoint(1), 1, false, limits_).stream); });
  on(first_, [this] {  // the index is a hint
    EXPECT_FALSE(pool_->take(endpoint(1), 0, false, limits_).stream);
  });
  on(first_, [this] { EXPECT_TRUE(pool_->take(endpoint(0), 1, false, limits_).stream); });
}

TEST_F(PoolTest, keeps_so_many_idle_connections_and_no_more) {
  limits_.max_idle = 3;
  fill(2);
  EXPECT_EQ(pool_->idle(), 2u);
  fill(1);
  EXPECT_EQ(pool_->idle(), 3u);
  fill(1);
  EXPECT_EQ(pool_->idle(), 3u);
  wait(1ms);
  EXPECT_EQ(open_at_origin(), 3u);
}

TEST_F(PoolTest, keeps_none_if_none_are_wanted) {
  limits_.max_idle = 0;
  fill(1);
  EXPECT_EQ(pool_->idle(), 0u);
}

TEST_F(PoolTest, closes_connections_that_have_had_their_requests) {
  limits_.max_requests = 3;
  for (std::uint32_t uses : {2u, 3u, 4u}) {
    h1::ClientConnection connection = open(first_);
    connection.uses = uses;
    put(std::move(connection));
    EXPECT_EQ(take() != -1, uses < 3) << uses;
  }
}

TEST_F(PoolTest, does_not_keep_a_connection_that_is_too_old) {
  limits_.max_age = 5s;
  for (Duration age : {Duration(4990ms), Duration(5s), Duration(5010ms)}) {
    h1::ClientConnection connection = open(first_);
    connection.born = first_.now() - age;
    put(std::move(connection));
    EXPECT_EQ(pool_->idle() == 1, age < 5s) << age.count();
    (void)take();
  }
}

TEST_F(PoolTest, does_not_give_a_connection_that_became_too_old_while_it_was_idle) {
  on(first_, [this] { pool_ = std::make_unique<Pool>(first_, cluster_, false); });
  on(first_, [this] { pool_->endpoints(); });
  limits_.max_age = 5s;
  fill(1);
  wait(4900ms);
  EXPECT_EQ(open_at_origin(), 1u);
  wait(400ms);
  EXPECT_EQ(open_at_origin(), 0u) << "nobody needs to ask for it";
  EXPECT_EQ(take(), -1);
  limits_.max_age = Pool::kSweep / 2;
  fill(1);
  wait(Pool::kSweep * 3 / 4);  // too old before a sweep can see it
  EXPECT_EQ(take(), -1);
}

TEST_F(PoolTest, closes_what_has_been_idle_for_long) {
  fill(1);
  wait(9900ms);
  EXPECT_EQ(open_at_origin(), 1u);
  wait(400ms);
  EXPECT_EQ(open_at_origin(), 0u);
  EXPECT_EQ(take(), -1);
}

TEST_F(PoolTest, knows_without_asking_that_the_origin_closed) {
  fill(1);
  world_.network().reset(world_.network().accepted_at(origin_->address()).front());
  wait(1ms);
  EXPECT_EQ(take(), -1);
  EXPECT_EQ(pool_->counters().stale.value(), 1u);
  EXPECT_EQ(pool_->counters().reused.value(), 0u);
}

TEST_F(PoolTest, gives_another_connection_for_one_that_is_closed) {
  fill(2);
  std::vector<int> ends = world_.network().accepted_at(origin_->address());
  world_.network().reset(ends.back());
  wait(1ms);
  EXPECT_NE(take(), -1);
  EXPECT_EQ(pool_->counters().stale.value(), 1u);
}

TEST_F(PoolTest, drops_connections_of_endpoints_that_are_gone) {
  fill(2);
  cluster_->update("", {{*Address::parse("10.0.0.8:80"), 1}});
  wait(Pool::kSweep + 1ms);
  EXPECT_EQ(pool_->idle(), 0u);
  EXPECT_EQ(open_at_origin(), 0u);
}

TEST_F(PoolTest, takes_nothing_back_for_an_endpoint_that_is_gone) {
  h1::ClientConnection connection = open(first_);
  std::shared_ptr<Endpoint> gone = cluster_->endpoints()->endpoints[0];
  cluster_->update("", {{*Address::parse("10.0.0.8:80"), 1}});
  on(first_, [&] { pool_->put(*gone, 0, std::move(connection), limits_); });
  EXPECT_EQ(pool_->idle(), 0u);
}

TEST_F(PoolTest, keeps_the_connections_of_an_endpoint_that_only_moved) {
  fill(1);
  cluster_->update("", {{*Address::parse("10.0.0.7:80"), 1}, {origin_->address(), 1}});
  on(first_, [this] { pool_->endpoints(); });
  EXPECT_EQ(pool_->idle(), 1u);
}

// --- what workers share ------------------------------------------------------------------------

TEST_F(PoolTest, offers_what_nobody_needed_to_the_other_workers) {
  fill(3);
  EXPECT_EQ(take(second_, *other_), -1) << "not before a whole sweep has passed";
  wait(2 * Pool::kSweep + 1ms);
  EXPECT_EQ(pool_->idle(), 0u);
  EXPECT_NE(take(second_, *other_), -1);
  EXPECT_EQ(other_->counters().taken.value(), 1u);
  EXPECT_NE(take(), -1) << "its own worker may take one back";
}

TEST_F(PoolTest, keeps_what_is_in_use_now_and_then) {
  fill(2);
  for (int i = 0; i < 10; ++i) {  // one of two is needed between any two sweeps
    wait(Pool::kSweep / 2);
    on(first_, [this] {
      h1::ClientConnection taken = pool_->take(endpoint(), 0, false, limits_);
      ASSERT_TRUE(taken.stream);
      pool_->put(endpoint(), 0, std::move(taken), limits_);
    });
  }
  EXPECT_EQ(pool_->idle(), 1u) << "the other was surplus";
  EXPECT_NE(take(second_, *other_), -1);
}

TEST_F(PoolTest, shares_facts_together_with_the_connection) {
  h1::ClientConnection connection = open(first_);
  TimePoint born = connection.born;
  connection.uses = 7;
  put(std::move(connection));
  wait(2 * Pool::kSweep + 1ms);
  on(second_, [&] {
    h1::ClientConnection taken = other_->take(endpoint(), 0, false, limits_);
    ASSERT_TRUE(taken.stream);
    EXPECT_EQ(taken.uses, 7u);
    EXPECT_EQ(taken.born, born);
  });
}

TEST_F(PoolTest, does_not_take_a_shared_connection_that_was_closed) {
  fill(2);
  wait(2 * Pool::kSweep + 1ms);
  for (int end : world_.network().accepted_at(origin_->address())) world_.network().reset(end);
  wait(1ms);
  EXPECT_EQ(take(second_, *other_), -1);
  EXPECT_EQ(other_->counters().stale.value(), 2u);
}

TEST_F(PoolTest, closes_shared_connections_too_when_they_have_been_idle_for_long) {
  fill(2);
  wait(10500ms);
  EXPECT_EQ(open_at_origin(), 0u);
}

TEST_F(PoolTest, does_not_take_a_shared_connection_that_became_too_old) {
  limits_.max_age = 5s;
  fill(1);
  wait(2 * Pool::kSweep + 1ms);
  wait(5s);
  EXPECT_EQ(take(second_, *other_), -1);
  wait(1ms);
  EXPECT_EQ(open_at_origin(), 0u);
}

TEST_F(PoolTest, shares_nothing_when_it_is_alone) {
  on(first_, [this] { pool_ = std::make_unique<Pool>(first_, cluster_, false); });
  on(first_, [this] { pool_->endpoints(); });
  fill(2);
  wait(2 * Pool::kSweep + 1ms);
  EXPECT_EQ(pool_->idle(), 2u);
}

TEST_F(PoolTest, closes_what_does_not_fit_into_the_shared_list) {
  fill(SharedConnections::kLimit + 2);
  wait(2 * Pool::kSweep + 1ms);
  EXPECT_LE(open_at_origin(), SharedConnections::kLimit + 1);
  EXPECT_GE(open_at_origin(), SharedConnections::kLimit);
}

}  // namespace
}  // namespace weir

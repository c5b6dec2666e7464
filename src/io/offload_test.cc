#include "io/offload.h"

#include <gtest/gtest.h>

#include <latch>

#include "io/epoll_loop.h"
#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

/// Real threads beside a real loop.
class OffloadTest : public ::testing::Test {
 protected:
  std::unique_ptr<Loop> loop_ = std::move(make_epoll_loop(0, 1).value());
};

struct Number {
  int value;
  int operator()() { return value; }
};

/// Works until the test opens the gate.
struct Held {
  std::shared_ptr<std::latch> gate;
  std::shared_ptr<std::latch> begun;
  int operator()() {
    begun->count_down();
    gate->wait();
    return 1;
  }
};

TEST_F(OffloadTest, gives_what_the_work_returns) {
  Offload offload({});
  Result<int> result = test::run(*loop_, offload.run(*loop_, Number{42}, {}));
  EXPECT_EQ(result.value(), 42);
  EXPECT_EQ(test::run(*loop_, offload.run(*loop_, Number{43}, {})).value(), 43);
}

struct WhichThread {
  std::thread::id operator()() { return std::this_thread::get_id(); }
};

TEST_F(OffloadTest, works_on_another_thread) {
  Offload offload({});
  auto thread = test::run(*loop_, offload.run(*loop_, WhichThread{}, {}));
  EXPECT_NE(thread.value(), std::this_thread::get_id());
}

Task<void> count(Task<Result<int>> task, int& good, ErrorCode& bad) {
  Result<int> result = co_await std::move(task);
  if (result) {
    ++good;
  } else {
    bad = result.error().code;
  }
}

Task<void> ask_more(Offload& offload, Loop& loop, int more, int& good, ErrorCode& bad) {
  auto gate = std::make_shared<std::latch>(1);
  auto begun = std::make_shared<std::latch>(1);
  Scope scope;
  scope.spawn(count(offload.run(loop, Held{gate, begun}, {}), good, bad));
  begun->wait();
  for (int i = 0; i < more; ++i) {
    scope.spawn(count(offload.run(loop, Number{i}, {}), good, bad));
  }
  EXPECT_EQ(good, 0);
  gate->count_down();
  co_await scope.join();
}

TEST_F(OffloadTest, lets_as_much_wait_as_it_may_and_no_more) {
  for (int waiting : {4, 5, 6}) {
    Offload offload({.threads = 1, .waiting = 5});
    int good = 0;
    ErrorCode bad = ErrorCode::none;
    test::run(*loop_, ask_more(offload, *loop_, waiting, good, bad));
    EXPECT_EQ(good, 1 + std::min(waiting, 5));
    EXPECT_EQ(bad, waiting > 5 ? ErrorCode::overloaded : ErrorCode::none);
  }
}

Task<void> stop_one(Offload& offload, Loop& loop, ErrorCode& running, ErrorCode& queued) {
  auto gate = std::make_shared<std::latch>(1);
  auto begun = std::make_shared<std::latch>(1);
  StopSource stop;
  int good = 0;
  Scope scope;
  scope.spawn(count(offload.run(loop, Held{gate, begun}, stop.token()), good, running));
  begun->wait();
  scope.spawn(count(offload.run(loop, Number{1}, stop.token()), good, queued));
  stop.request(Error(ErrorCode::client_gone, Origin::client));
  co_await scope.join();
  EXPECT_EQ(good, 0);
  // Its place is free again.
  scope.spawn(count(offload.run(loop, Number{1}, {}), good, queued));
  gate->count_down();
  co_await scope.join();
  EXPECT_EQ(good, 1);
}

TEST_F(OffloadTest, holds_nobody_who_is_told_to_stop) {
  Offload offload({.threads = 1, .waiting = 1});
  ErrorCode running = ErrorCode::none, queued = ErrorCode::none;
  test::run(*loop_, stop_one(offload, *loop_, running, queued));
  EXPECT_EQ(running, ErrorCode::client_gone);
  EXPECT_EQ(queued, ErrorCode::client_gone);
}

Task<void> many(Offload& offload, Loop& loop, int& good, ErrorCode& bad) {
  Scope scope;
  for (int i = 0; i < 200; ++i) {
    scope.spawn(count(offload.run(loop, Number{i}, {}), good, bad));
    if (i % 20 == 19) co_await scope.join();
  }
  co_await scope.join();
}

TEST_F(OffloadTest, serves_many_from_several_loops) {
  Offload offload({});
  std::vector<std::thread> workers;
  for (unsigned index = 0; index < 3; ++index) {
    workers.emplace_back([&offload, index] {
      std::unique_ptr<Loop> loop = std::move(make_epoll_loop(index, 1).value());
      int good = 0;
      ErrorCode bad = ErrorCode::none;
      test::run(*loop, many(offload, *loop, good, bad));
      EXPECT_EQ(good, 200);
    });
  }
  for (std::thread& each : workers) each.join();
}

TEST(Offload, does_the_work_at_once_in_a_simulation) {
  SimWorld world(1);
  SimLoop& loop = world.add_loop();
  Offload offload({});
  auto thread = test::run(loop, offload.run(loop, WhichThread{}, {}));
  EXPECT_EQ(thread.value(), std::this_thread::get_id());
}

}  // namespace
}  // namespace weir

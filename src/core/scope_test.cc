#include "core/scope.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace weir {
namespace {

/// A place where coroutines wait until the test resumes them.
struct Gate {
  std::vector<std::coroutine_handle<>> waiters;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiters.push_back(handle); }
  void await_resume() const {}
  void open_one() {
    std::coroutine_handle<> first = waiters.front();
    waiters.erase(waiters.begin());
    first.resume();
  }
};

struct Detached {
  struct promise_type {
    Detached get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const { std::terminate(); }
  };
};

Task<> wait(Gate& gate, int& finished) {
  co_await gate;
  ++finished;
}

Task<> at_once(int& finished) {
  ++finished;
  co_return;
}

Detached join_then(Scope& scope, bool& joined) {
  co_await scope.join();
  joined = true;
}

Detached join_and_destroy(std::unique_ptr<Scope> scope, bool& joined) {
  co_await scope->join();
  scope.reset();
  joined = true;
}

Task<> owner(Gate& gate, int& finished) {
  Scope scope;
  scope.spawn(wait(gate, finished));
  scope.spawn(wait(gate, finished));
  co_await scope.join();
  finished += 100;
}

TEST(Scope, runs_a_child_until_its_first_suspension) {
  Scope scope;
  Gate gate;
  int finished = 0;
  scope.spawn(at_once(finished));
  EXPECT_EQ(finished, 1);
  scope.spawn(wait(gate, finished));
  EXPECT_EQ(scope.running(), 1u);
  gate.open_one();
  EXPECT_EQ(finished, 2);
  EXPECT_EQ(scope.running(), 0u);
}

TEST(Scope, joins_when_the_last_child_has_ended) {
  Scope scope;
  Gate gate;
  int finished = 0;
  bool joined = false;
  for (int i = 0; i < 3; ++i) scope.spawn(wait(gate, finished));
  join_then(scope, joined);
  gate.open_one();
  gate.open_one();
  EXPECT_FALSE(joined);
  gate.open_one();
  EXPECT_TRUE(joined);
  EXPECT_EQ(finished, 3);
}

TEST(Scope, joins_at_once_when_no_child_is_left) {
  Scope scope;
  bool joined = false;
  join_then(scope, joined);
  EXPECT_TRUE(joined);
}

TEST(Scope, may_be_destroyed_by_its_joiner) {
  auto scope = std::make_unique<Scope>();
  Gate gate;
  int finished = 0;
  bool joined = false;
  scope->spawn(wait(gate, finished));
  join_and_destroy(std::move(scope), joined);
  gate.open_one();
  EXPECT_TRUE(joined);
}

TEST(Scope, can_be_joined_again_after_new_children) {
  Scope scope;
  Gate gate;
  int finished = 0;
  for (int round = 0; round < 2; ++round) {
    bool joined = false;
    scope.spawn(wait(gate, finished));
    join_then(scope, joined);
    EXPECT_FALSE(joined);
    gate.open_one();
    EXPECT_TRUE(joined);
  }
}

TEST(Scope, nests_inside_a_child_of_another_scope) {
  Scope outer;
  Gate gate;
  int finished = 0;
  outer.spawn(owner(gate, finished));
  gate.open_one();
  gate.open_one();
  EXPECT_EQ(finished, 102);
  EXPECT_EQ(outer.running(), 0u);
}

TEST(Scope, passes_a_stop_to_its_children_and_on_from_its_parent) {
  StopSource parent;
  Scope scope(parent.token());
  Scope inner(scope.token());
  EXPECT_FALSE(inner.token().stopped());
  parent.request(Error(ErrorCode::client_gone, Origin::client));
  ASSERT_TRUE(inner.token().stopped());
  EXPECT_EQ(inner.token().reason().code, ErrorCode::client_gone);
  EXPECT_EQ(inner.token().reason().origin, Origin::client);
}

}  // namespace
}  // namespace weir

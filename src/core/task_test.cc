#include "core/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace weir {
namespace {

// Runs `task` to its end or its first suspension; `done` tells which.
struct Detached {
  struct promise_type {
    Detached get_return_object() const { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const { std::terminate(); }
  };
};

template <class T>
Detached start(Task<T> task, std::optional<T>& result) {
  result = co_await std::move(task);
}

Detached start(Task<void> task, bool& done) {
  co_await std::move(task);
  done = true;
}

/// A place where a coroutine waits until the test resumes it.
struct Gate {
  std::coroutine_handle<> waiter;
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiter = handle; }
  void await_resume() const {}
};

Task<int> number(int value) { co_return value; }

Task<int> sum(int a, int b) {
  int first = co_await number(a);
  int second = co_await number(b);
  co_return first + second;
}

Task<> note(bool& ran) {
  ran = true;
  co_return;
}

Task<int> deep(int levels) {
  if (levels == 0) co_return 0;
  co_return 1 + co_await deep(levels - 1);
}

Task<std::string> through(Gate& gate, std::string text) {
  co_await gate;
  co_return text + "!";
}

Task<std::unique_ptr<int>> make(int value) { co_return std::make_unique<int>(value); }

Task<int> many(int count) {
  int total = 0;
  for (int i = 0; i < count; ++i) total += co_await number(1);
  co_return total;
}

TEST(Task, gives_the_value_of_the_coroutine) {
  std::optional<int> result;
  start(sum(2, 40), result);
  EXPECT_EQ(result, 42);
}

TEST(Task, does_not_start_before_it_is_awaited) {
  bool ran = false;
  {
    Task<> task = note(ran);
  }
  EXPECT_FALSE(ran);
  bool done = false;
  start(note(ran), done);
  EXPECT_TRUE(ran);
  EXPECT_TRUE(done);
}

TEST(Task, resumes_its_awaiter_when_it_ends_later) {
  Gate gate;
  std::optional<std::string> result;
  start(through(gate, "hello"), result);
  EXPECT_FALSE(result);
  gate.waiter.resume();
  EXPECT_EQ(result, "hello!");
}

TEST(Task, carries_values_that_can_only_be_moved) {
  std::optional<std::unique_ptr<int>> result;
  start(make(7), result);
  ASSERT_TRUE(result);
  EXPECT_EQ(**result, 7);
}

TEST(Task, nests_deeply) {
  std::optional<int> result;
  start(deep(500), result);
  EXPECT_EQ(result, 500);
}

TEST(Task, that_end_at_once_are_awaited_in_a_loop_without_growing_the_stack_much) {
  std::optional<int> result;
  start(many(2000), result);
  EXPECT_EQ(result, 2000);
}

TEST(Task, is_empty_after_it_was_moved_from) {
  bool ran = false;
  Task<> first = note(ran);
  Task<> second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_TRUE(second);
  second = Task<>();
  EXPECT_FALSE(second);
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace weir

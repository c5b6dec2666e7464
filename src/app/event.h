// Event: something that one coroutine waits for and that happens once.
#pragma once

#include <coroutine>
#include <utility>

namespace weir {

/// `co_await event` returns at once if it has happened. Not thread safe.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Resumes who waits, before this returns.
  void set() {
    happened_ = true;
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  bool await_ready() const { return happened_; }
  void await_suspend(std::coroutine_handle<> waiter) { waiter_ = waiter; }
  void await_resume() const {}

 private:
  bool happened_ = false;
  std::coroutine_handle<> waiter_;
};

}  // namespace weir

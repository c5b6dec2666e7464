// A scope owns the coroutines that run beside its owner; nothing runs detached.
#pragma once

#include <coroutine>
#include <cstdint>

#include "core/stop.h"
#include "core/task.h"

namespace weir {

/// Children start at once, run until their first suspension inside `spawn`, and are awaited by
/// `join`. The owner joins before the scope is destroyed; a destructor cannot wait.
class Scope {
 public:
  Scope() = default;
  explicit Scope(StopToken parent) : stop_(parent) {}
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();

  void spawn(Task<void> child);

  /// Asks the children to stop; they end in their own time.
  void stop(const Error& why) { stop_.request(why); }
  StopToken token() { return stop_.token(); }
  std::uint32_t running() const { return running_; }

  /// Resumes when no child is left.
  auto join() {
    struct Awaiter {
      Scope& scope;
      bool await_ready() const { return scope.running_ == 0; }
      void await_suspend(std::coroutine_handle<> joiner) const { scope.joiner_ = joiner; }
      void await_resume() const {}
    };
    return Awaiter{*this};
  }

 private:
  struct Child;
  static Child run(Scope& scope, Task<void> child);

  StopSource stop_;
  std::coroutine_handle<> joiner_;
  std::uint32_t running_ = 0;
};

}  // namespace weir

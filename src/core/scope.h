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

  /// The return type of a coroutine that is a child by itself, without a frame around it: one of
  /// its parameters is the Scope.
  struct Child;

  /// Asks the children to stop; they end in their own time.
  void stop(const Error& why) { stop_.request(why); }
  StopToken token() { return stop_.token(); }
  std::uint32_t running() const { return running_; }

  /// For a child that is an object, not a coroutine: it enters when it begins, and leaves when it
  /// has gone. Leaving resumes who waits for the last one, and the scope may be gone after it.
  void enter() { ++running_; }
  void leave() {
    if (--running_ == 0 && joiner_) std::exchange(joiner_, nullptr).resume();
  }

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
  static Child run(Scope& scope, Task<void> child);

  StopSource stop_;
  std::coroutine_handle<> joiner_;
  std::uint32_t running_ = 0;
};

struct Scope::Child {
  struct promise_type {
    Scope* scope;

    template <class... Parameters>
    explicit promise_type(Parameters&... parameters) : scope(find(parameters...)) {
      ++scope->running_;
    }
    static void* operator new(std::size_t bytes) { return recycle_allocate(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept {
      recycle_free(frame, bytes);
    }
    Child get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      // The frame goes before the joiner runs: the joiner may destroy the scope.
      struct Leave {
        Scope* scope;
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> self) const noexcept {
          Scope* owner = scope;
          self.destroy();
          if (--owner->running_ > 0 || !owner->joiner_) return std::noop_coroutine();
          return std::exchange(owner->joiner_, nullptr);
        }
        void await_resume() const noexcept {}
      };
      return Leave{scope};
    }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

   private:
    template <class... Rest>
    static Scope* find(Scope& scope, Rest&...) {
      return &scope;
    }
    template <class First, class... Rest>
    static Scope* find(First&, Rest&... rest) {
      return find(rest...);
    }
  };
};

}  // namespace weir

#include "core/scope.h"

#include <cassert>
#include <utility>

namespace weir {

struct Scope::Child {
  struct promise_type {
    Scope* scope;

    promise_type(Scope& owner, Task<void>&) : scope(&owner) {}
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
  };
};

Scope::~Scope() { assert(running_ == 0 && "a scope is joined before it is destroyed"); }

Scope::Child Scope::run(Scope&, Task<void> child) { co_await std::move(child); }

void Scope::spawn(Task<void> child) {
  ++running_;
  run(*this, std::move(child));
}

}  // namespace weir

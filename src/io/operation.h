// What a loop completes: one read, write, accept, connect or sleep, kept by whoever waits.
#pragma once

#include <coroutine>
#include <cstddef>
#include <span>
#include <utility>

#include "core/result.h"
#include "core/slice.h"
#include "core/stop.h"

namespace weir {

class Operation;

/// Whatever an operation was started on.
class Cancellable {
 public:
  /// Ends the pending `operation` early: it completes from the loop's queue with `why`, or with
  /// the result that had already been reached. Never resumes anyone before it returns.
  virtual void cancel(Operation& operation, const Error& why) = 0;

 protected:
  ~Cancellable() = default;
};

/// Lives in the awaiting coroutine's frame (or in a state machine), so a pending operation
/// allocates nothing. While pending it may be linked to a stop source; once it is being
/// completed or cancelled the same link serves the loop's queue.
class Operation : public StopCallback {
 public:
  using Done = void (*)(Operation&);

  Operation() : StopCallback(&Operation::stopped) {}

  /// Called by the implementation when the operation is to wait.
  void pend(Cancellable& target) { target_ = &target; }
  /// Called by the loop, from the top of its stack, after the result has been set.
  void complete() {
    unlink();
    target_ = nullptr;
    done_(*this);
  }
  bool pending() const { return target_ != nullptr; }
  /// Ends it early, if it pends and is not on its way to completion. For owners that have no stop
  /// source.
  void cancel(const Error& why) {
    if (pending() && !linked()) target_->cancel(*this, why);
  }

  void when_done(Done done) { done_ = done; }

 private:
  static void stopped(StopCallback& self, const Error& why) {
    auto& operation = static_cast<Operation&>(self);
    operation.target_->cancel(operation, why);
  }

  Cancellable* target_ = nullptr;
  Done done_ = nullptr;
};

/// Turns "start, then wait for completion" into something to `co_await` that `stop` cuts short.
/// `Op` has `result`, and `start()` that returns true when it completed at once.
template <class Op>
class OperationAwaiter : public Op {
 public:
  template <class... Arguments>
  explicit OperationAwaiter(StopToken stop, Arguments&&... arguments)
      : Op(std::forward<Arguments>(arguments)...), stop_(stop) {}

  bool await_ready() {
    if (stop_.stopped()) {
      this->result = fail(stop_.reason());
      return true;
    }
    return this->start();
  }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    this->when_done([](Operation& self) { static_cast<OperationAwaiter&>(self).waiter_.resume(); });
    if (!this->pending() || this->linked()) return;  // nothing to cut short
    if (stop_.stopped()) return this->cancel(stop_.reason());
    stop_.link(*this);
  }
  auto await_resume() { return std::move(this->result); }

 private:
  StopToken stop_;
  std::coroutine_handle<> waiter_;
};

}  // namespace weir

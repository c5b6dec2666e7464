// What a loop completes: one read, write, accept, connect or sleep, kept by whoever waits.
#pragma once

#include <coroutine>
#include <cstddef>
#include <span>

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
/// allocates nothing. While pending it is linked to its stop source; once it is being
/// cancelled the same link serves the loop's queue.
class Operation : public StopCallback {
 public:
  using Done = void (*)(Operation&);

  explicit Operation(StopToken stop) : StopCallback(&Operation::stopped), stop_(stop) {}

  const StopToken& stop() const { return stop_; }

  /// Called by the implementation when the operation is to wait.
  void pend(Cancellable& target) {
    target_ = &target;
    stop_.link(*this);
  }
  /// Called by the loop, from the top of its stack, after the result has been set.
  void complete() {
    unlink();
    target_ = nullptr;
    done_(*this);
  }
  bool pending() const { return target_ != nullptr; }

  void when_done(Done done) { done_ = done; }
  void when_done(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    done_ = [](Operation& self) { self.waiter_.resume(); };
  }

 private:
  static void stopped(StopCallback& self, const Error& why) {
    auto& operation = static_cast<Operation&>(self);
    operation.target_->cancel(operation, why);
  }

  StopToken stop_;
  Cancellable* target_ = nullptr;
  Done done_ = nullptr;
  std::coroutine_handle<> waiter_;
};

/// Turns "start, then wait for completion" into something to `co_await`. `Op` has `result`, and
/// `start()` that returns true when it completed at once.
template <class Op>
struct OperationAwaiter : Op {
  using Op::Op;
  bool await_ready() {
    if (this->stop().stopped()) {
      this->result = fail(this->stop().reason());
      return true;
    }
    return this->start();
  }
  void await_suspend(std::coroutine_handle<> waiter) { this->when_done(waiter); }
  auto await_resume() { return std::move(this->result); }
};

}  // namespace weir

// Signal: one coroutine waits until somebody says that something has changed.
#pragma once

#include <utility>

#include "io/loop.h"
#include "io/operation.h"

namespace weir {

/// Raised before anybody waits, it is remembered once. The waiter resumes from the loop's queue,
/// never from inside `raise`.
class Signal final : public Cancellable {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}

  struct Wait : Operation {
    explicit Wait(Signal& on) : signal(on) {}
    bool start() {
      if (std::exchange(signal.raised_, false)) return true;
      signal.waiter_ = this;
      pend(signal);
      return false;
    }
    Signal& signal;
    Status result{};
  };

  /// `co_await signal.wait(stop)` gives Status: an error only if it was stopped.
  OperationAwaiter<Wait> wait(StopToken stop = {}) { return OperationAwaiter<Wait>(stop, *this); }

  void raise() {
    if (waiter_ == nullptr) {
      raised_ = true;
    } else {
      loop_.complete_soon(*std::exchange(waiter_, nullptr));
    }
  }

  void cancel(Operation& operation, const Error& why) override {
    waiter_ = nullptr;
    static_cast<Wait&>(operation).result = fail(why);
    loop_.complete_soon(operation);
  }

 private:
  Loop& loop_;
  Operation* waiter_ = nullptr;
  bool raised_ = false;
};

}  // namespace weir

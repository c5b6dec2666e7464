// Turns: one after the other, for what must not happen at the same time.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <utility>

#include "io/loop.h"

namespace weir {

class Turns;

/// Somebody's turn, which ends with it.
class [[nodiscard]] Turn {
 public:
  explicit Turn(Turns& turns) : turns_(&turns) {}
  Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  inline ~Turn();

 private:
  Turns* turns_;
};

/// In the order of asking. Used from the thread of one loop.
class Turns {
 public:
  /// Who waits beyond that is a sign that nothing moves.
  static constexpr std::size_t kMostWaiting = 64;

  explicit Turns(Loop& loop) : loop_(loop) {}

  bool full() const { return waiting_.size() >= kMostWaiting; }

  /// `Turn turn = co_await turns.take();`
  auto take() {
    struct Awaiter {
      Turns& turns;
      bool await_ready() const { return !std::exchange(turns.taken_, true); }
      void await_suspend(std::coroutine_handle<> waiter) const { turns.waiting_.push_back(waiter); }
      Turn await_resume() const { return Turn(turns); }
    };
    return Awaiter{*this};
  }

 private:
  friend class Turn;

  void give_back() {
    if (waiting_.empty()) {
      taken_ = false;
      return;
    }
    // It goes on from the loop, not from inside of this one's end.
    loop_.post([next = waiting_.front()] { next.resume(); });
    waiting_.pop_front();
  }

  Loop& loop_;
  bool taken_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

inline Turn::~Turn() {
  if (turns_ != nullptr) turns_->give_back();
}

}  // namespace weir

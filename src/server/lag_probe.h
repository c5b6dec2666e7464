// LagProbe: how long what is ready has to wait for the slowest worker.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>

#include "io/timer.h"

namespace weir {

/// A round is a word that goes to each worker and comes back; a worker that is busy gets it late.
/// (Loop::lag decays from turn to turn, so a loop that rests keeps what it had.) Owned by one
/// thread.
class LagProbe {
 public:
  class Round {
   public:
    explicit Round(TimePoint sent) : sent_(sent) {}
    /// Any thread: a worker has got it.
    void arrived(TimePoint time) {
      std::int64_t took = (time - sent_).count();
      std::int64_t most = most_.load(std::memory_order_relaxed);
      while (took > most && !most_.compare_exchange_weak(most, took, std::memory_order_relaxed)) {
      }
    }
    /// The owner's thread: it has been at all of them.
    void finish() { finished_ = true; }

   private:
    friend class LagProbe;
    const TimePoint sent_;
    std::atomic<std::int64_t> most_{0};
    bool finished_ = false;
  };

  /// Null while one is on its way.
  std::shared_ptr<Round> begin(TimePoint now) {
    if (round_) return nullptr;
    return round_ = std::make_shared<Round>(now);
  }

  /// What the last round found; more if one is on its way for longer than that.
  Duration lag(TimePoint now) {
    if (!round_) return last_;
    if (!round_->finished_) return std::max(last_, now - round_->sent_);
    last_ = Duration(round_->most_.load(std::memory_order_relaxed));
    round_.reset();
    return last_;
  }

 private:
  std::shared_ptr<Round> round_;
  Duration last_{0};
};

}  // namespace weir

// Finds peers that are gone without a word: PING after a silence, the end without an answer.
#pragma once

#include "http/h2/limits.h"
#include "io/timer.h"

namespace weir::h2 {

class PingWatch {
 public:
  enum class Verdict { fine, ping, gone };

  void heard(TimePoint now) { heard_ = now; }
  void answered() { waiting_ = false; }

  /// Called now and then while something is expected of the peer. After `ping` the caller sends
  /// one.
  Verdict look(TimePoint now, const Limits& limits) {
    if (limits.ping_interval <= Duration::zero()) return Verdict::fine;
    if (waiting_) return now - sent_ >= limits.ping_timeout ? Verdict::gone : Verdict::fine;
    if (now - heard_ < limits.ping_interval) return Verdict::fine;
    waiting_ = true;
    sent_ = now;
    return Verdict::ping;
  }

 private:
  TimePoint heard_{};
  TimePoint sent_{};
  bool waiting_ = false;
};

}  // namespace weir::h2

// Deadline: a stop token that stops by itself after a time.
#pragma once

#include "core/stop.h"
#include "io/loop.h"

namespace weir {

/// Stops with `timeout` when the time is over, or with its parent. Lives in the frame that waits.
class Deadline : public Timer {
 public:
  Deadline(Loop& loop, Duration time, StopToken parent = {})
      : Timer(&Deadline::expired), stop_(parent) {
    loop.timers().arm(*this, loop.now() + time);
  }

  StopToken token() { return stop_.token(); }

 private:
  static void expired(Timer& self) {
    static_cast<Deadline&>(self).stop_.request(Error(ErrorCode::timeout));
  }

  StopSource stop_;
};

}  // namespace weir

#include "io/loop.h"

namespace weir {

Loop::Loop(unsigned index, std::uint64_t seed)
    : random_(seed),
      buffers_(std::make_unique<BufferPool>()),
      pipes_(std::make_unique<PipePool>()),
      slots_(std::make_unique<Slots>()),
      index_(index) {}

Loop::~Loop() = default;

bool Loop::run_ready() {
  if (!ready_.linked()) return false;
  Link batch;
  ready_.move_all(batch);
  while (batch.linked()) {
    refill();
    static_cast<Operation&>(*batch.next()).complete();
  }
  return true;
}

void Loop::cancel(Operation& operation, const Error& why) {
  // Of the loop's own operations only sleeps end here; engines handle the others first.
  auto& sleep = static_cast<SleepOperation&>(operation);
  sleep.loop.timers().disarm(sleep.alarm);
  sleep.result = fail(why);
  complete_soon(sleep);
}

SleepOperation::SleepOperation(Loop& on, TimePoint until)
    : loop(on), deadline(until), alarm([](Timer& timer) {
        SleepOperation& owner = *static_cast<Alarm&>(timer).owner;
        owner.unlink();
        owner.loop.complete_soon(owner);
      }) {}

bool SleepOperation::start() {
  alarm.owner = this;
  if (deadline == TimePoint::min()) {
    loop.complete_soon(*this);
    return false;
  }
  if (deadline <= loop.now()) return true;
  loop.timers().arm(alarm, deadline);
  pend(loop);
  return false;
}

}  // namespace weir

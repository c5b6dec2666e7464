#include "core/stop.h"

namespace weir {

void PlainStopSource::request(const Error& why) {
  if (stopped()) return;
  reason_ = why;
  Link pending;
  callbacks_.move_all(pending);
  while (pending.linked()) {
    auto* callback = static_cast<StopCallback*>(pending.next());
    callback->unlink();
    callback->run(reason_);
  }
}

void StopSource::follow(StopToken parent) {
  if (parent.stopped()) {
    request(parent.reason());
    return;
  }
  from_parent_.owner = this;
  parent.link(from_parent_);
}

void StopSource::parent_stopped(StopCallback& self, const Error& why) {
  static_cast<FromParent&>(self).owner->request(why);
}

}  // namespace weir

// How the leases of connections to a cluster's endpoints were served.
#pragma once

#include "core/counter.h"

namespace weir {

/// One worker's.
struct PoolCounters {
  Counter reused;  // from the worker's own pool
  Counter taken;   // from another worker's surplus
  Counter opened;  // a new connection
  Counter stale;   // found closed when it was to be used
  // Requests that met endpoints with as much as they may have.
  Counter queued;           // and waited
  Counter queue_full;       // too many waited already
  Counter queue_timed_out;  // and waited in vain

  void add(const PoolCounters& other) {
    reused.add(other.reused.value());
    taken.add(other.taken.value());
    opened.add(other.opened.value());
    stale.add(other.stale.value());
    queued.add(other.queued.value());
    queue_full.add(other.queue_full.value());
    queue_timed_out.add(other.queue_timed_out.value());
  }
};

}  // namespace weir

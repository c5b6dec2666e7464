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

  void add(const PoolCounters& other) {
    reused.add(other.reused.value());
    taken.add(other.taken.value());
    opened.add(other.opened.value());
    stale.add(other.stale.value());
  }
};

}  // namespace weir

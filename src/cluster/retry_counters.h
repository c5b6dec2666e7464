// What became of the wish to repeat requests of a cluster.
#pragma once

#include "core/counter.h"

namespace weir {

/// One worker's.
struct RetryCounters {
  Counter made;         // attempts beyond the first that were made
  Counter over_budget;  // and that were not, because the budget was used up
  Counter exhausted;    // and that were not, because there had been all attempts
  Counter hedged;       // attempts beside another one that was late
  Counter hedges_won;   // of these
  Counter late;         // requests that were not sent, or not again, after their deadline

  void add(const RetryCounters& other) {
    made.add(other.made.value());
    over_budget.add(other.over_budget.value());
    exhausted.add(other.exhausted.value());
    hedged.add(other.hedged.value());
    hedges_won.add(other.hedges_won.value());
    late.add(other.late.value());
  }
};

}  // namespace weir

// A scripted origin of the simulation: answers as the seed wills, and notes what it was asked.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/sim/loop.h"
#include "ledger.h"

namespace weir::sim {

class Origin {
 public:
  Origin(SimLoop& loop, Ledger& ledger, std::string_view address)
      : loop_(loop), ledger_(ledger), service_(loop, loop.network(), address) {}

  SimLoop& loop() { return loop_; }
  Ledger& ledger() { return ledger_; }
  Listener& listener() { return service_.listener(); }

  /// Serves until the loop's tasks are stopped.
  Task<void> run();

 private:
  SimLoop& loop_;
  Ledger& ledger_;
  test::Service service_;
};

}  // namespace weir::sim

// Runs programs beside the loop: started, awaited and ended without blocking it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/task.h"
#include "io/loop.h"

namespace weir {

struct Program {
  std::vector<std::string> arguments;    // the first is the program: a path, or a name in PATH
  std::vector<std::string> environment;  // `NAME=value`, beside what Weir has itself
};

struct ProgramEnd {
  int status = 0;  // what it exited with
  int signal = 0;  // that ended it; 0: it exited
};

/// One per owner, on a loop of the kernel's (the simulation has no programs).
class ProgramRunner {
 public:
  /// How long the kernel may take to end what was killed.
  static constexpr Duration kReap = std::chrono::seconds(1);
  /// Programs that did not end then (they hang in the kernel); with so many nothing is started.
  static constexpr std::size_t kMostLeft = 16;

  explicit ProgramRunner(Loop& loop) : loop_(loop) {}
  ProgramRunner(const ProgramRunner&) = delete;
  ProgramRunner& operator=(const ProgramRunner&) = delete;

  /// Runs a program to its end, in a process group of its own, with /dev/null for input and output
  /// and no other descriptor. Once it has ended, or `stop` says so, all that is left of the group
  /// is killed. Errors: `not_found`, `permission` and the like if it cannot be started,
  /// `overloaded`, `unsupported`, and the reason of `stop`.
  Task<Result<ProgramEnd>> run(Program program, StopToken stop);

 private:
  void reap_left();

  Loop& loop_;
  std::vector<pid_t> left_;
};

}  // namespace weir

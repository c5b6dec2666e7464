// The io_uring engine: one ring per worker, entered once per turn. Linux 6.1 and newer.
#pragma once

#include <memory>

#include "io/loop.h"

namespace weir {

/// Optional abilities of the kernel. Each is used where the kernel has it and the mask allows it;
/// what replaces it is given beside it.
struct UringFeatures {
  bool multishot_accept = true;  // else one accept per submission, the rest of a burst by accept4
  bool provided_buffers = true;  // else receives wait for readiness and read by recv
  bool deferred_work = true;  // else completions are worked off wherever the task enters the kernel
  bool poll_first = true;     // else a receive that is known to have to wait is tried first
};

/// Fails, so that the caller can take the epoll engine, when the kernel refuses io_uring (not
/// built in, sysctl, seccomp) or lacks an operation without which the engine cannot work.
Result<std::unique_ptr<Loop>> make_uring_loop(unsigned index, std::uint64_t seed,
                                              UringFeatures mask = {});

}  // namespace weir

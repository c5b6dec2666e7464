// The command line's side of the control socket.
#pragma once

#include <string>

#include "app/control_message.h"
#include "core/result.h"
#include "core/task.h"
#include "io/loop.h"

namespace weir {

/// Asks whoever listens on `address`. Errors: what connecting and reading report; `parse` if the
/// answer is not understood.
Task<Result<ControlAnswer>> ask(Loop& loop, Address address, ControlRequest request,
                                Duration patience);

/// The same for the process behind the socket at `path`, on a loop of its own. An error is told
/// in an answer that is not ok.
ControlAnswer ask_process(const std::string& path, const ControlRequest& request);

}  // namespace weir

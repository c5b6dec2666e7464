// One line each way over a Stream: how control messages travel.
#pragma once

#include <string>

#include "core/task.h"
#include "io/stream.h"

namespace weir {

/// Up to the first line end, which is not part of the result. What follows it is dropped: there
/// is one message each way. Errors: `limit` above `most` bytes, `truncated` at an early end, and
/// what reading reports.
Task<Result<std::string>> read_line(Stream& stream, std::size_t most, StopToken stop);

Task<Status> write_line(Stream& stream, std::string line, StopToken stop);

}  // namespace weir

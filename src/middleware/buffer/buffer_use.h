// What all buffers of the process hold and have done, for metrics.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

/// Written by every worker, without order: each number is right for itself. Outlives reloads as
/// long as some configuration in use has a `buffer`.
struct alignas(64) BufferUse {
  std::atomic<std::uint64_t> memory{0};   // bytes that spools hold, whole chunks
  std::atomic<std::uint64_t> disk{0};     // bytes of temporary files
  std::atomic<std::uint64_t> spilled{0};  // bodies of which something went to a file
  std::atomic<std::uint64_t> refused{
      0};  // requests that were larger than is kept, or failed a disk
};

/// The same, read.
struct BufferFigures {
  std::uint64_t memory = 0;
  std::uint64_t disk = 0;
  std::uint64_t spilled = 0;
  std::uint64_t refused = 0;
};

}  // namespace weir

// What became of the copies of requests that a cluster was to get.
#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

/// Of all workers.
struct MirrorCounters {
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> dropped{0};  // too many were under way
  std::atomic<std::uint64_t> too_large{0};
};

}  // namespace weir

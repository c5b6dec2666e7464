// What the process takes of the machine, as the kernel tells it.
#pragma once

#include <cstdint>

namespace weir {

struct ProcessUsage {
  double cpu_seconds = 0;  // user and system
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
};

/// Reads /proc/self; what cannot be read is 0. Takes a millisecond for every 5 000 descriptors on
/// kernels before 6.2.
ProcessUsage read_process_usage();

}  // namespace weir

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

/// Some microseconds.
std::uint64_t read_resident_bytes();

/// What the control group of the process (version 2) may have, or one above it if that is less;
/// 0: not bounded.
std::uint64_t read_memory_limit();

/// Gives what the heap keeps for reuse back to the system. Takes each of its locks for a while.
void release_free_memory();

}  // namespace weir

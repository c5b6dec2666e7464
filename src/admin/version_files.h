// Versions of the configuration in a directory, one file each, over restarts and kill -9.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "admin/config_history.h"

namespace weir {

/// Makes `version` last in `directory`, which is made too if only it is missing. When this returns
/// the file is on the disk as a whole; after an error, and if the process dies before, it is not
/// there at all. The error is a reason for people. Waits for the disk.
std::expected<void, std::string> keep_version(const std::string& directory,
                                              const ConfigVersion& version);

void forget_version(const std::string& directory, std::uint64_t number);

struct KeptVersions {
  std::vector<VersionPointer> versions;  // in ascending order
  std::vector<std::string> problems;     // what could not be read, and why
  std::uint64_t last_number = 0;         // the greatest that has a file, readable or not
};

/// Sweeps out what was being written when a process died. A directory that is not there yet is
/// empty.
KeptVersions read_versions(const std::string& directory);

}  // namespace weir

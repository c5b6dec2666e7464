// ConfigSwitch: what the admin API needs of the process to put a configuration in force.
#pragma once

#include <string>

#include "config/diagnostics.h"
#include "core/task.h"
#include "server/server.h"

namespace weir {

/// What the configuration file says.
struct FileConfig {
  ServerConfig config;
  std::string directory;    // that relative paths start from
  std::string fingerprint;  // of its text: differs if that differs
};

/// On the owner's thread, one call at a time.
class ConfigSwitch {
 public:
  using Seal = Server::Seal;

  /// Compiles all of it, reads the files that it names, and takes nothing into use. False with
  /// everything in `diagnostics` if it is wrong.
  virtual bool check(ServerConfig config, config::Diagnostics& diagnostics) = 0;

  /// The same, and every worker uses it then. `seal` runs when nothing else can go wrong any more.
  /// False without an error in `diagnostics`: the process is about to end. `diagnostics` is the
  /// caller's.
  virtual Task<bool> put_in_force(ServerConfig config, config::Diagnostics& diagnostics,
                                  Seal seal) = 0;

 protected:
  ~ConfigSwitch() = default;
};

}  // namespace weir

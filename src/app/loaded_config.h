// Reading a configuration from where the user keeps it.
#pragma once

#include <optional>
#include <string>

#include "admin/config_switch.h"
#include "config/diagnostics.h"
#include "server/config.h"
#include "server/snapshot.h"

namespace weir {

/// A file, or a text that stands for one.
struct ConfigSource {
  std::string path;  // "-": standard input; empty: `text`
  std::string text;

  /// What diagnostics and answers call it.
  std::string name() const;
  bool readable_again() const { return path != "-"; }
};

/// Nothing, with everything in `diagnostics`, if it cannot be read or is wrong in itself.
std::optional<FileConfig> load_file(const ConfigSource& source, config::Diagnostics& diagnostics);

/// The same, without what only a running process needs.
std::optional<ServerConfig> load_config(const ConfigSource& source,
                                        config::Diagnostics& diagnostics);

/// Compiles everything that `weir run` would, and binds and starts nothing.
std::unique_ptr<Snapshot> compile_config(ServerConfig config, config::Diagnostics& diagnostics);

}  // namespace weir

// The life of the process: start, reload, drain, end.
#pragma once

#include <string>

#include "app/thread_host.h"
#include "server/config.h"

namespace weir {

struct RunOptions {
  std::string config_path;  // empty: `config_text`
  std::string config_text;
  Engine engine = Engine::automatic;
  Duration drain_timeout = std::chrono::seconds(30);
  std::string control_path;  // of the control socket; empty: the default place
};

/// Returns the exit status: 0 after an orderly end, 1 if the start failed.
int run(const RunOptions& options);

}  // namespace weir

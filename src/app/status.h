// What a running process says about itself.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "app/control_message.h"
#include "server/server.h"

namespace weir {

/// What the server does not know of its process.
struct ProcessFacts {
  std::string_view phase;   // "starting", "running" or "draining"
  std::string_view config;  // where it came from
  std::string_view engine;
  pid_t pid = 0;
  Duration uptime{0};
};

ControlAnswer status_of_process(const Server& server, const ProcessFacts& facts);

/// `http://localhost:8080` for what can be typed into a browser, else the address.
std::string url_of(const SharedListener& listener);

/// For people who started the program at a terminal: where it listens and a line to try.
std::string greeting(const Server& server, const ProcessFacts& facts);

}  // namespace weir

// `weir purge`: what is to go from the caches of a running process.
#pragma once

#include <string>

#include "app/control_message.h"
#include "server/server.h"

namespace weir {

/// One of `url`, `prefix` and `tag` is given.
struct PurgeRequest {
  std::string url;
  std::string prefix;
  std::string tag;
  std::string cache;  // empty: all
  bool soft = false;

  ControlRequest to_request() const;
  static PurgeRequest from(const ControlRequest& request);
};

/// Refused: an address that is none, and the name of a cache that is not there.
ControlAnswer purge(Server& server, const PurgeRequest& request);

}  // namespace weir

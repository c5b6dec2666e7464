// The page /endpoints of the admin listener: every endpoint, whether it gets requests, and why not.
#pragma once

#include <string>

#include "server/process_status.h"

namespace weir {

/// JSON; upstreams by name, endpoints in the order of their set. `now` is of any loop. On the
/// owner's thread.
std::string endpoints_json(const ProcessStatus& status, TimePoint now);

/// The same of one endpoint; null if it has left its cluster.
std::string endpoint_json(const ProcessStatus& status, const Cluster& cluster,
                          const Endpoint& endpoint, TimePoint now);

}  // namespace weir

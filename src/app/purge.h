// `weir purge`: what is to go from the caches of a running process.
#pragma once

#include "admin/purge.h"
#include "app/control_message.h"

namespace weir {

ControlRequest to_request(const PurgeOrder& order);
PurgeOrder purge_order(const ControlRequest& request);

/// Refused: an address that is none, and the name of a cache that is not there.
ControlAnswer answer_purge(Server& server, const PurgeOrder& order);

}  // namespace weir

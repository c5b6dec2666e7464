// Compiles the UDP listeners of a configuration.
#pragma once

#include "server/tunnel_upstreams.h"

namespace weir {

/// Puts their plans into the snapshot, whose configuration is there already.
void build_udp_listeners(Snapshot& snapshot, TunnelUpstreams& upstreams);

}  // namespace weir

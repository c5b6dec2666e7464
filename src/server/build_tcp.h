// Compiles the TCP listeners of a configuration.
#pragma once

#include "server/tunnel_upstreams.h"

namespace weir {

/// Puts their plans into the snapshot, whose configuration is there already.
void build_tcp_listeners(Snapshot& snapshot, TunnelUpstreams& upstreams, TlsMaterials& tls,
                         config::Diagnostics& diagnostics);

}  // namespace weir

// Finds an endpoint for a tunnel and connects to it: the next one where the first does not answer.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include "core/task.h"
#include "io/loop.h"
#include "tunnel/endpoint_lease.h"

namespace weir {

/// What endpoints may be told of the client, and what they are picked by.
struct TunnelClient {
  Address source;
  Address destination;
  std::string server_name;   // that it asked for, if it did
  std::string alpn;          // that was agreed on with it, where its TLS ends here
  bool keep_source = false;  // connections come from `source`
};

/// A connection to an endpoint, which is closed before its places there are free.
struct TunnelConnection {
  EndpointLease lease;
  std::unique_ptr<Stream> stream;
};

/// Tries up to `upstream.attempts` endpoints, each once. `attempts` counts those that were tried.
/// `client` and `upstream` outlive the task. Errors: `no_endpoint`, what the limits of the cluster
/// say (Admission), or what connecting to the last of them gave.
Task<Result<TunnelConnection>> connect_endpoint(Loop& loop, const TunnelUpstream& upstream,
                                                const TunnelClient& client, StopToken stop,
                                                std::uint32_t& attempts);

/// Connects to where the client was going. Errors: those of connecting, and `address_unavailable`.
Task<Result<TunnelConnection>> connect_destination(Loop& loop, const TunnelClient& client,
                                                   StopToken stop);

}  // namespace weir

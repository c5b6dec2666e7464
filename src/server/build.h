// Compiles a configuration into a snapshot.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/snapshot.h"
#include "server/tls_materials.h"

namespace weir {

/// Gives the cluster of a name: the living one over reloads, or a new one.
using ClusterSource = std::function<std::shared_ptr<Cluster>(const std::string& name)>;

/// What a snapshot takes over from the process.
struct SnapshotSources {
  const ClusterSource& clusters;
  NamedStates& states;
  TlsMaterials& tls;
  unsigned workers = 1;
  const Handler* admin = nullptr;  // answers on the admin listener, outlives the snapshot
};

/// Null if anything is wrong; `diagnostics` then says all of it. Reads the files of TLS, takes no
/// socket and starts nothing. Endpoints are put into their clusters when the snapshot is taken into
/// use, not here.
std::unique_ptr<Snapshot> build_snapshot(ServerConfig config, const SnapshotSources& sources,
                                         config::Diagnostics& diagnostics);

/// The address that sockets use. Only for addresses that are no host names.
Address to_address(const config::Address& address);
std::vector<IpNetwork> to_networks(const std::vector<config::Network>& networks);
std::optional<ProxyProtocolPlan> to_plan(const std::optional<ProxyProtocolConfig>& config);

}  // namespace weir

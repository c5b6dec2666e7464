// TunnelUpstreams: how listeners that are not HTTP get to the clusters of a configuration.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/build.h"

namespace weir {

class TunnelUpstreams {
 public:
  TunnelUpstreams(const Snapshot& snapshot, const ClusterSource& clusters, TlsMaterials& tls,
                  config::Diagnostics& diagnostics)
      : snapshot_(snapshot), clusters_(clusters), tls_(tls), diagnostics_(diagnostics) {}

  /// One for each name, which the configuration has: its endpoints offer no protocol of HTTP's by
  /// themselves.
  std::shared_ptr<const TunnelUpstream> get(const std::string& name);

 private:
  const Snapshot& snapshot_;
  const ClusterSource& clusters_;
  TlsMaterials& tls_;
  config::Diagnostics& diagnostics_;
  std::map<std::string, std::shared_ptr<const TunnelUpstream>> made_;
};

}  // namespace weir

// Upstream: how a request gets its answer from a cluster: pick, lease, send, and try again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cluster/cluster.h"
#include "http/fastcgi/params.h"
#include "http/request_deadline.h"
#include "upstream/options.h"

namespace weir {

/// What a handler wants to be sent.
struct UpstreamRequest {
  h1::ClientRequest message;
  Headers* headers = nullptr;  // of `message`; Host is set here if `host_of_endpoint`
  bool host_of_endpoint = false;
  RequestDeadline deadline;  // what is left is told to the origin
  // Where the upstream speaks FastCGI, and only there; the length of the body is known.
  const fastcgi::Call* fastcgi = nullptr;
};

/// One per configuration and upstream name; the cluster behind it lives on.
class Upstream {
 public:
  Upstream(std::shared_ptr<Cluster> cluster, UpstreamOptions options)
      : cluster_(std::move(cluster)), options_(std::move(options)) {}

  const std::shared_ptr<Cluster>& cluster() const { return cluster_; }
  const UpstreamOptions& options() const { return options_; }

  /// Returns at the response head. An attempt that failed is repeated, on another endpoint if
  /// there is one, when the origin cannot have seen the request, or when the method is idempotent
  /// and nothing of a body was used up and no byte of a response came. A pooled connection that
  /// the origin had just closed does not count as an attempt. `options` may differ from this
  /// upstream's own in its timeouts and outlives the exchange.
  /// Errors: no_endpoint, subset_empty, queue_full, queue_timeout, and what connecting and the
  /// exchange report (Origin::upstream).
  Task<Result<Response>> send(Exchange& exchange, UpstreamRequest request,
                              const UpstreamOptions& options) const;

 private:
  std::shared_ptr<Cluster> cluster_;
  UpstreamOptions options_;
};

/// Those of one configuration, by name.
using Upstreams = std::map<std::string, std::shared_ptr<const Upstream>, std::less<>>;

}  // namespace weir

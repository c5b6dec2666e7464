#include "server/tunnel_upstreams.h"

#include <utility>

namespace weir {

std::shared_ptr<const TunnelUpstream> TunnelUpstreams::get(const std::string& name) {
  std::shared_ptr<const TunnelUpstream>& known = made_[name];
  if (known) return known;
  const UpstreamConfig& config = *snapshot_.config.upstreams.find(name);
  auto made = std::make_shared<TunnelUpstream>();
  made->cluster = clusters_(name);
  made->balance = config.policy(snapshot_.config.zone);
  made->limits = config.limits();
  made->connect_timeout = config.connect_timeout;
  made->attempts = config.retries.attempts;
  if (config.outliers) made->outliers = config.outliers->policy();
  if (config.breaker) made->admission.breaker = config.breaker->policy();
  if (config.adaptive_limit) made->admission.adaptive = config.adaptive_limit->policy();
  if (config.tls) made->tls = tls_.client(*config.tls, {}, diagnostics_);
  made->proxy_protocol = config.proxy_protocol;
  return known = std::move(made);
}

}  // namespace weir

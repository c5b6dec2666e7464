// One check of one endpoint: connects as traffic would, past all pools and retries, and judges.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <vector>

#include "cluster/endpoint.h"
#include "cluster/health.h"
#include "cluster/health_config.h"
#include "config/diagnostics.h"
#include "io/program.h"
#include "upstream/options.h"

namespace weir {

/// What a configuration says about the checks of one upstream, ready to be made. Immutable.
struct HealthCheck {
  HealthConfig config;
  std::string upstream;
  std::vector<StatusRange> statuses;
  std::shared_ptr<const re2::RE2> body_regex;   // null: any body
  std::shared_ptr<const TlsClientProfile> tls;  // null: in clear
  UpstreamProtocol protocol = UpstreamProtocol::automatic;
  std::optional<ProxyProtocolVersion> proxy_protocol;

  Health::Thresholds thresholds() const { return {config.fail, config.pass}; }
  /// Where an endpoint is checked.
  Address address_of(const Endpoint& endpoint) const;
};

/// Null if an expression cannot be compiled or a program cannot be run; `diagnostics` then says so.
std::shared_ptr<const HealthCheck> make_health_check(const HealthConfig& config,
                                                     std::string upstream,
                                                     const UpstreamOptions& options,
                                                     config::Diagnostics& diagnostics);

/// Whether both check the same in the same way.
bool same_check(const HealthCheck& a, const HealthCheck& b);

/// Takes no longer than the configuration allows, and ends early when `stop` says so.
Task<CheckResult> check_health(Loop& loop, ProgramRunner& programs,
                               std::shared_ptr<const HealthCheck> check,
                               std::shared_ptr<const Endpoint> endpoint, StopToken stop);

}  // namespace weir

// What TLS keeps over reloads: certificates by their files, ticket keys, profiles of upstreams.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cluster/config.h"
#include "config/diagnostics.h"
#include "io/timer.h"
#include "io/tls/profile.h"
#include "server/tls_config.h"

namespace weir {

/// One per process; used from the control thread only. What it makes is immutable, or safe for any
/// thread.
class TlsMaterials {
 public:
  /// How long random ticket keys encrypt; they decrypt for twice as long again.
  static constexpr std::chrono::hours kTicketPeriod{8};

  /// Null if a file cannot be used; `diagnostics` then says all of it, at the place of its name.
  /// `alpn`: what is agreed to, the best first. `asked`: the names of whose clients a certificate
  /// is asked with `mode: routes`; none: of all.
  std::shared_ptr<const TlsServerProfile> server(const ListenerTlsConfig& config,
                                                 std::vector<std::string> alpn,
                                                 std::optional<std::vector<std::string>> asked,
                                                 config::Diagnostics& diagnostics);
  /// The same profile as long as the same is asked for: connections that were made under it may be
  /// used again after a reload.
  std::shared_ptr<const TlsClientProfile> client(const UpstreamTlsConfig& config,
                                                 std::vector<std::string> alpn,
                                                 config::Diagnostics& diagnostics);

  /// Takes up files that have changed, tells the log of those that cannot be used (what they gave
  /// before stays), and rotates ticket keys when it is time. To be called every few seconds.
  void refresh(TimePoint now);

  CertificateStore& certificates() { return certificates_; }

 private:
  std::shared_ptr<const TicketKeys> ticket_keys(const config::Located<std::string>& file,
                                                config::Diagnostics& diagnostics);

  CertificateStore certificates_;
  std::shared_ptr<TicketKeys> random_keys_ = std::make_shared<TicketKeys>();
  TimePoint rotated_{};
  std::map<std::string, std::weak_ptr<TicketKeys>> shared_keys_;
  std::map<std::string, std::weak_ptr<const TlsClientProfile>> clients_;
};

}  // namespace weir

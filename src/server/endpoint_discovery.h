// EndpointDiscovery: has the endpoints of a configuration that are names followed by DNS.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "discovery/dns.h"
#include "server/config.h"

namespace weir {

/// The living clusters of a process, by the names of their upstreams.
using ClusterMap = std::map<std::string, std::shared_ptr<Cluster>, std::less<>>;

/// Whether its addresses are those of a name.
bool is_followed(const EndpointConfig& endpoint);

/// One per process, on the loop of the Server's owner; workers see only the clusters change.
class EndpointDiscovery {
 public:
  /// Of all first answers together: a configuration is not kept waiting longer.
  static constexpr Duration kFirstAnswers = std::chrono::seconds(2);

  /// `seed`: see dns::Resolver.
  EndpointDiscovery(Loop& loop, std::shared_ptr<const dns::Settings> settings, std::uint64_t seed)
      : loop_(loop), resolver_(loop, std::move(settings), seed), dns_(loop, resolver_) {}

  /// Asks for the names of `config` that are new, so that `follow` finds them answered and no
  /// request meets an empty upstream. What has no answer within kFirstAnswers is logged and left
  /// to be followed.
  Task<void> prepare(const ServerConfig& config);

  /// The names of `config`, and no others, feed `clusters` from now on.
  void follow(const ServerConfig& config, const ClusterMap& clusters);

  /// New contents of resolv.conf and hosts.
  void configure(std::shared_ptr<const dns::Settings> settings) {
    resolver_.configure(std::move(settings));
  }

  dns::Resolver& resolver() { return resolver_; }

  /// Stops; to be awaited before destruction.
  Task<void> finish() { return dns_.finish(); }

  /// Any thread.
  std::vector<DnsStatus> status() const { return dns_.status(); }

 private:
  Task<void> ask(DnsSource source, StopToken stop);

  Loop& loop_;
  dns::Resolver resolver_;
  DnsDiscovery dns_;
  std::set<std::string> followed_;
};

}  // namespace weir

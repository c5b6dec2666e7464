// Endpoints that are names: resolved again when their records expire, and never lost to a failure.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/cluster.h"
#include "core/scope.h"
#include "core/task.h"
#include "io/dns/resolver.h"

namespace weir {

/// A name among the endpoints of an upstream.
struct DnsSource {
  std::shared_ptr<Cluster> cluster;
  std::string name;
  std::uint16_t port = 0;    // of services the records say it
  std::uint32_t weight = 1;  // of each address
  bool service = false;      // `name` has SRV records (RFC 2782): `_http._tcp.shop.example`
  Placement placement = {};  // of each address

  /// What Cluster calls this source: `dns:name:port` or `srv:name`.
  std::string key() const;
};

/// How a name fares, for metrics.
struct DnsStatus {
  std::string upstream;
  std::string source;             // DnsSource::key()
  std::uint64_t answers = 0;      // with records
  std::uint64_t failures = 0;     // no answer, no such name, or a name without addresses
  std::int64_t last_answer = 0;   // nanoseconds since the Unix epoch; 0: never
  std::int64_t last_failure = 0;  // likewise
  std::string_view last_error;    // of the last failure; static text
  std::size_t addresses = 0;      // in use
};

/// Follows every name of the configuration, for the whole process, from one worker. A and AAAA
/// are judged apart, each by its own TTL. What an answer adds is used at once; what it lacks is
/// dropped when the next answer lacks it too. A failure takes nothing away, nor does an answer
/// without addresses, unless the other family's last answer had some.
class DnsDiscovery {
 public:
  /// Answers that have to lack an address before it is dropped.
  static constexpr unsigned kConfirmations = 2;
  /// Targets of one service that are followed; those that sort later are left out.
  static constexpr std::size_t kMaxTargets = 100;
  static constexpr Duration kLeastPause = std::chrono::seconds(1);
  static constexpr Duration kMostRetryPause = std::chrono::seconds(30);

  DnsDiscovery(Loop& loop, dns::Resolver& resolver) : loop_(loop), resolver_(resolver) {}
  DnsDiscovery(const DnsDiscovery&) = delete;
  DnsDiscovery& operator=(const DnsDiscovery&) = delete;

  /// Replaces the set of names. Those that stay keep what they know. On the worker only.
  void follow(const std::vector<DnsSource>& sources);

  /// Stops; to be awaited before destruction.
  Task<void> finish();

  /// In the order of upstreams and names. Any thread.
  std::vector<DnsStatus> status() const;

 private:
  struct Host;    // a name whose addresses are followed
  struct Source;  // a DnsSource with what is known of it
  using SourcePointer = std::shared_ptr<Source>;
  using HostPointer = std::shared_ptr<Host>;

  void start(const SourcePointer& source);
  void start(const SourcePointer& source, const std::string& host);
  Task<void> follow_service(SourcePointer source);
  Task<void> follow_family(SourcePointer source, HostPointer host, dns::RecordType type);
  void take_services(const SourcePointer& source, const std::vector<dns::Service>& services);
  bool take_addresses(Source& source, Host& host, dns::RecordType type, const dns::Answer& answer);
  void publish(Source& source);
  void note_answer(Source& source);
  void note_failure(Source& source, std::string_view why);
  Duration pause_until(TimePoint expires);
  Duration pause_after_failure(Source& source, const Error& error, unsigned failures);
  Duration drawn(Duration most);

  Loop& loop_;
  dns::Resolver& resolver_;
  Scope scope_;
  mutable std::mutex mutex_;                      // of sources_ as a map, and of each status
  std::map<std::string, SourcePointer> sources_;  // by upstream and key
};

}  // namespace weir

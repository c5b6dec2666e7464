// Resolver: names to addresses and services, for one worker; RFC 1035, 2308, 2782, 6761.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/task.h"
#include "io/dns/cache.h"
#include "io/dns/config.h"
#include "io/loop.h"

namespace weir::dns {

/// Written by the resolver's worker, read by any thread.
struct ResolverCounters {
  std::atomic<std::uint64_t> lookups{0};  // calls of lookup
  std::atomic<std::uint64_t> cache_hits{0};
  std::atomic<std::uint64_t> evictions{0};   // valid answers that the full cache let go
  std::atomic<std::uint64_t> joined{0};      // lookups that waited for another's query
  std::atomic<std::uint64_t> overloaded{0};  // lookups that met the limit of queries
  std::atomic<std::uint64_t> exchanges{0};   // questions sent to a server, UDP and TCP
  std::atomic<std::uint64_t> tcp{0};         // of these, over TCP
  std::atomic<std::uint64_t> timeouts{0};    // exchanges without an answer
  std::atomic<std::uint64_t> strays{0};      // datagrams that answered nothing that was asked
  std::atomic<std::uint64_t> failures{0};    // queries that no server answered
};

struct ResolverLimits {
  std::size_t cache_entries = 1024;
  std::size_t queries = 256;  // under way at one time
  unsigned exchanges = 16;    // for one query, over all servers and attempts
  Duration query_time = std::chrono::seconds(20);
};

/// Addresses of both families: IPv6 first, each in the server's order.
struct Addresses {
  std::vector<IpAddress> list;
  TimePoint expires{};  // when the first of them does
};

/// Answers are kept for their TTL (1 s to 1 day; those that say "none" 5 s to 5 min); questions
/// that are equal and at the same time are asked once. Errors are `dns_failure`, whose detail
/// says why (nxdomain, nodata, timeout, servfail, refused ...), and `overloaded`. A query lives as
/// long as someone waits for it. Destroyed when no lookup is under way.
class Resolver {
 public:
  /// How long resolve() waits for the other family once one has answered with addresses (RFC
  /// 8305, 3).
  static constexpr Duration kFamilyGrace = std::chrono::milliseconds(50);
  /// How long a server that did not answer is asked after the others.
  static constexpr Duration kSilentTime = std::chrono::seconds(30);

  /// `seed` has to be unpredictable, and not the loop's: ids and cases of queries come from it,
  /// and what else is drawn from the loop's generator may be seen by clients.
  Resolver(Loop& loop, std::shared_ptr<const Settings> settings, std::uint64_t seed,
           const ResolverLimits& limits = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// Records of one type (a, aaaa or srv). That a name or its records do not exist is an answer,
  /// not an error. Names without a final dot go through the search domains until one exists. An
  /// address instead of a name is its own answer.
  Task<Result<Answer>> lookup(std::string name, RecordType type, StopToken stop = {});

  /// A and AAAA side by side; fails only if neither gives an address.
  Task<Result<Addresses>> resolve(std::string name, StopToken stop = {});

  /// From the next query on; forgets the cache.
  void configure(std::shared_ptr<const Settings> settings);

  const ResolverCounters& counters() const { return counters_; }
  std::size_t queries() const { return queries_.size(); }
  std::size_t cached() const { return cache_.size(); }

 private:
  struct OpenQuery;  // one question under way, and who waits for it
  struct Pair;       // both families of one resolve()
  using QueryKey = Cache::Key;

  std::optional<Answer> known_locally(const std::string& name, RecordType type) const;
  Task<Result<Answer>> lookup_exact(QueryKey key, StopToken stop);
  Result<std::shared_ptr<OpenQuery>> join(QueryKey key);
  Task<void> run(OpenQuery& query);
  Task<Result<Answer>> ask_servers(const OpenQuery& query, StopToken stop);
  Task<Result<Reply>> ask(Address server, const QueryKey& key, bool use_tcp, Duration timeout,
                          unsigned& left, StopToken stop);
  Task<Result<Reply>> exchange(Address server, const Query& message, bool use_tcp, Duration timeout,
                               unsigned& left, StopToken stop);
  static Task<void> resolve_family(Resolver& self, Pair& pair, std::string name, RecordType type);
  std::vector<Address> server_order(const ServerConfig& servers);
  void note_silence(const Address& server);
  Result<Answer> judge(Reply reply) const;
  void forget(const OpenQuery& query);

  Loop& loop_;
  std::shared_ptr<const Settings> settings_;
  Random random_;
  ResolverLimits limits_;
  Cache cache_;
  std::map<QueryKey, std::shared_ptr<OpenQuery>> queries_;
  std::map<Address, TimePoint> silent_until_;
  std::size_t next_server_ = 0;  // for `rotate`
  ResolverCounters counters_;
};

}  // namespace weir::dns

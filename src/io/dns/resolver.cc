#include "io/dns/resolver.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "core/scope.h"
#include "io/dns/transport.h"

namespace weir::dns {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kLeastTtl = seconds(1), kMostTtl = hours(24);
constexpr Duration kLocalTtl = minutes(1);  // how soon a changed hosts file is noticed
constexpr Duration kLeastNegativeTtl = seconds(5), kMostNegativeTtl = minutes(5);

void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

Error dns_error(std::string_view detail) {
  return {ErrorCode::dns_failure, Origin::upstream, detail, Retry::if_unsent};
}

/// Errors of sockets, in the words of a resolver.
Error socket_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::timeout: return dns_error("timeout");
    case ErrorCode::refused: return dns_error("server not reachable: connection refused");
    case ErrorCode::unreachable: return dns_error("server not reachable");
    case ErrorCode::no_descriptors: return dns_error("no descriptors left");
    default: return dns_error("connection to the server broke");
  }
}

bool wanted_family(const IpAddress& ip, RecordType type) {
  return ip.v4 ? type == RecordType::a : type == RecordType::aaaa;
}

/// The names that `name` may stand for, in the order in which they are tried.
std::vector<std::string> candidates(const HostName& name, const ServerConfig& servers) {
  std::vector<std::string> names;
  auto dots = static_cast<unsigned>(std::ranges::count(name.text, '.'));
  bool as_is_first = name.absolute || dots >= servers.ndots;
  if (as_is_first) names.push_back(name.text);
  if (name.absolute) return names;
  for (const std::string& domain : servers.search) {
    if (name.text.size() + 1 + domain.size() <= 253) names.push_back(name.text + "." + domain);
  }
  if (!as_is_first) names.push_back(name.text);
  return names;
}

}  // namespace

struct Resolver::OpenQuery final : Cancellable {
  /// One lookup that waits for the query.
  struct Wait : Operation {
    explicit Wait(OpenQuery& on) : query(on) {}
    bool start() {
      if (query.result) {
        result = *query.result;
        return true;
      }
      query.waiting.push_back(this);
      pend(query);
      return false;
    }
    OpenQuery& query;
    Result<Answer> result{};
  };

  OpenQuery(Loop& on, QueryKey asked) : loop(on), key(std::move(asked)) {}
  OperationAwaiter<Wait> wait(StopToken stop) { return OperationAwaiter<Wait>(stop, *this); }

  void cancel(Operation& operation, const Error& why) override {
    std::erase(waiting, &operation);
    static_cast<Wait&>(operation).result = fail(why);
    loop.complete_soon(operation);
  }

  void finish(Result<Answer> answer) {
    result = std::move(answer);
    for (Wait* wait : std::exchange(waiting, {})) {
      wait->result = *result;
      loop.complete_soon(*wait);
    }
  }

  Loop& loop;
  const QueryKey key;
  std::vector<Wait*> waiting;
  unsigned users = 0;  // lookups that hold the query; the last one ends it
  std::optional<Result<Answer>> result;
  Scope scope;
};

Resolver::Resolver(Loop& loop, std::shared_ptr<const Settings> settings, std::uint64_t seed,
                   const ResolverLimits& limits)
    : loop_(loop),
      settings_(std::move(settings)),
      random_(seed),
      limits_(limits),
      cache_(limits.cache_entries) {}

Resolver::~Resolver() { assert(queries_.empty() && "a resolver outlives its lookups"); }

void Resolver::configure(std::shared_ptr<const Settings> settings) {
  settings_ = std::move(settings);
  cache_.clear();
  silent_until_.clear();
}

Task<Result<Answer>> Resolver::lookup(std::string name, RecordType type, StopToken stop) {
  count(counters_.lookups);
  if (auto known = known_locally(name, type)) co_return std::move(*known);
  auto host = parse_host_name(name);
  if (!host) co_return fail(dns_error("not a host name"));
  std::shared_ptr<const Settings> settings = settings_;
  Result<Answer> answer = fail(dns_error("not a host name"));
  for (std::string& candidate : candidates(*host, settings->servers)) {
    answer = co_await lookup_exact({std::move(candidate), type}, stop);
    // A failure ends the walk, as a later name may be another host; so does a name that exists
    // without such records, or A and AAAA could come from different names.
    if (!answer || answer->kind != Answer::Kind::no_name) break;
  }
  co_return answer;
}

/// Addresses that are written as such, the hosts file, and localhost (RFC 6761, 6.3).
std::optional<Answer> Resolver::known_locally(const std::string& name, RecordType type) const {
  if (type == RecordType::srv) return {};
  Answer answer;
  answer.expires = loop_.now() + kLocalTtl;
  if (auto ip = IpAddress::parse(name)) {
    answer.addresses.push_back(*ip);
  } else if (auto host = parse_host_name(name)) {
    if (const auto* known = settings_->hosts.find(host->text)) {
      answer.addresses = *known;
    } else if (host->text == "localhost" || host->text.ends_with(".localhost")) {
      answer.addresses = {*IpAddress::parse("::1"), *IpAddress::parse("127.0.0.1")};
    } else {
      return {};
    }
  } else {
    return {};
  }
  std::erase_if(answer.addresses, [&](const IpAddress& ip) { return !wanted_family(ip, type); });
  if (!answer.addresses.empty()) answer.kind = Answer::Kind::found;
  return answer;
}

Task<Result<Answer>> Resolver::lookup_exact(QueryKey key, StopToken stop) {
  if (const Answer* known = cache_.find(key, loop_.now())) {
    count(counters_.cache_hits);
    co_return *known;
  }
  Result<std::shared_ptr<OpenQuery>> joined = join(std::move(key));
  if (!joined) co_return fail(joined.error());
  std::shared_ptr<OpenQuery> query = std::move(*joined);
  ++query->users;
  Result<Answer> answer = co_await query->wait(stop);
  if (--query->users == 0 && !query->result) {
    forget(*query);
    query->scope.stop({ErrorCode::cancelled, Origin::weir, "nobody waits"});
    co_await query->scope.join();
  }
  co_return answer;
}

Result<std::shared_ptr<Resolver::OpenQuery>> Resolver::join(QueryKey key) {
  auto found = queries_.find(key);
  if (found != queries_.end()) {
    count(counters_.joined);
    return found->second;
  }
  if (queries_.size() >= limits_.queries) {
    count(counters_.overloaded);
    return fail(ErrorCode::overloaded, Origin::weir, "too many dns queries", Retry::if_unsent);
  }
  auto query = std::make_shared<OpenQuery>(loop_, key);
  queries_.emplace(std::move(key), query);
  query->scope.spawn(run(*query));
  return query;
}

void Resolver::forget(const OpenQuery& query) {
  auto found = queries_.find(query.key);
  if (found != queries_.end() && found->second.get() == &query) queries_.erase(found);
}

Task<void> Resolver::run(OpenQuery& query) {
  Result<Answer> answer = co_await ask_servers(query, query.scope.token());
  if (answer) {
    if (cache_.put(query.key, *answer, loop_.now())) count(counters_.evictions);
  } else if (!query.scope.token().stopped()) {
    count(counters_.failures);
  }
  query.finish(std::move(answer));
  forget(query);  // those who wait still hold it
}

Task<Result<Answer>> Resolver::ask_servers(const OpenQuery& query, StopToken stop) {
  std::shared_ptr<const Settings> settings = settings_;
  const ServerConfig& servers = settings->servers;
  TimePoint end = loop_.now() + limits_.query_time;
  unsigned left = limits_.exchanges;
  Error last = dns_error("timeout");
  for (unsigned attempt = 0; attempt < servers.attempts; ++attempt) {
    std::vector<Address> order = server_order(servers);
    for (const Address& server : order) {
      if (left == 0 || loop_.now() >= end) co_return fail(last);
      Duration timeout = std::min(servers.timeout, end - loop_.now());
      Result<Reply> reply = co_await ask(server, query.key, servers.use_tcp, timeout, left, stop);
      if (stop.stopped()) co_return fail(stop.reason());
      if (!reply) {
        if (reply.error().code == ErrorCode::timeout) note_silence(server);
        last = reply.error().code == ErrorCode::dns_failure ? reply.error()
                                                            : socket_error(reply.error());
        continue;
      }
      Result<Answer> answer = judge(std::move(*reply));
      if (answer) co_return answer;
      last = answer.error();
    }
  }
  co_return fail(last);
}

/// One server, until it has said something that counts: without EDNS if it wants that, over TCP
/// if the answer is large or cannot be trusted.
Task<Result<Reply>> Resolver::ask(Address server, const QueryKey& key, bool use_tcp,
                                  Duration timeout, unsigned& left, StopToken stop) {
  bool edns = true;
  while (true) {
    Result<Query> message = make_query(key.first, key.second, edns, random_);
    if (!message) co_return fail(message.error());
    Result<Reply> reply = co_await exchange(server, *message, use_tcp, timeout, left, stop);
    if (!reply || left == 0) co_return reply;
    if (reply->verdict == Verdict::no_edns && edns) {
      edns = false;
    } else if (!use_tcp &&
               (reply->verdict == Verdict::truncated || reply->verdict == Verdict::suspect)) {
      use_tcp = true;
    } else {
      co_return reply;
    }
  }
}

Task<Result<Reply>> Resolver::exchange(Address server, const Query& message, bool use_tcp,
                                       Duration timeout, unsigned& left, StopToken stop) {
  --left;
  count(counters_.exchanges);
  if (use_tcp) count(counters_.tcp);
  unsigned strays = 0;
  Result<Reply> reply;
  if (use_tcp) {
    reply = co_await ask_over_tcp(loop_, server, message, timeout, stop);
  } else {
    reply = co_await ask_over_udp(loop_, server, message, timeout, stop, strays);
  }
  count(counters_.strays, strays);
  if (!reply && reply.error().code == ErrorCode::timeout) count(counters_.timeouts);
  co_return reply;
}

/// Those that were silent lately come last; among equals the order of the configuration holds.
std::vector<Address> Resolver::server_order(const ServerConfig& servers) {
  std::size_t count = servers.servers.size();
  std::size_t first = servers.rotate && count > 0 ? next_server_++ % count : 0;
  std::vector<Address> order, silent;
  for (std::size_t i = 0; i < count; ++i) {
    const Address& server = servers.servers[(first + i) % count];
    auto found = silent_until_.find(server);
    bool answers = found == silent_until_.end() || found->second <= loop_.now();
    (answers ? order : silent).push_back(server);
  }
  order.insert(order.end(), silent.begin(), silent.end());
  return order;
}

void Resolver::note_silence(const Address& server) {
  silent_until_[server] = loop_.now() + kSilentTime;
}

Result<Answer> Resolver::judge(Reply reply) const {
  Answer answer;
  switch (reply.verdict) {
    case Verdict::found: answer.kind = Answer::Kind::found; break;
    case Verdict::no_data: answer.kind = Answer::Kind::no_data; break;
    case Verdict::no_name: answer.kind = Answer::Kind::no_name; break;
    case Verdict::truncated: return fail(dns_error("truncated"));
    case Verdict::suspect:
    case Verdict::foreign: return fail(dns_error("possibly forged"));
    case Verdict::malformed:
    case Verdict::no_edns:
    case Verdict::refused: return fail(dns_error(reply.detail));
  }
  answer.addresses = std::move(reply.addresses);
  answer.services = std::move(reply.services);
  bool found = answer.kind == Answer::Kind::found;
  Duration ttl = seconds(reply.ttl.value_or(0));
  answer.expires = loop_.now() + (found ? std::clamp(ttl, kLeastTtl, kMostTtl)
                                        : std::clamp(ttl, kLeastNegativeTtl, kMostNegativeTtl));
  return answer;
}

struct Resolver::Pair : Timer {
  Pair(Loop& on, StopToken stop) : Timer(&Pair::grace_over), loop(on), scope(stop) {}

  static void grace_over(Timer& self) {
    static_cast<Pair&>(self).scope.stop({ErrorCode::timeout, Origin::weir, "timeout"});
  }
  void take(RecordType type, Result<Answer> answer) {
    if (--open > 0 && answer && answer->kind == Answer::Kind::found) {
      loop.timers().arm(*this, loop.now() + kFamilyGrace);
    }
    (type == RecordType::a ? v4 : v6) = std::move(answer);
  }

  Loop& loop;
  Scope scope;
  unsigned open = 2;  // families that have not answered
  Result<Answer> v4{}, v6{};
};

Task<void> Resolver::resolve_family(Resolver& self, Pair& pair, std::string name, RecordType type) {
  pair.take(type, co_await self.lookup(std::move(name), type, pair.scope.token()));
}

Task<Result<Addresses>> Resolver::resolve(std::string name, StopToken stop) {
  Pair pair(loop_, stop);
  pair.scope.spawn(resolve_family(*this, pair, name, RecordType::aaaa));
  pair.scope.spawn(resolve_family(*this, pair, name, RecordType::a));
  co_await pair.scope.join();
  if (stop.stopped()) co_return fail(stop.reason());
  Addresses addresses;
  addresses.expires = TimePoint::max();
  for (const Result<Answer>* family : {&pair.v6, &pair.v4}) {
    if (!*family || (*family)->kind != Answer::Kind::found) continue;
    addresses.list.insert(addresses.list.end(), (*family)->addresses.begin(),
                          (*family)->addresses.end());
    addresses.expires = std::min(addresses.expires, (*family)->expires);
  }
  if (!addresses.list.empty()) co_return addresses;
  if (!pair.v4) co_return fail(pair.v4.error());
  if (!pair.v6) co_return fail(pair.v6.error());
  bool exists = pair.v4->kind == Answer::Kind::no_data || pair.v6->kind == Answer::Kind::no_data;
  co_return fail(dns_error(exists ? "nodata" : "nxdomain"));
}

}  // namespace weir::dns

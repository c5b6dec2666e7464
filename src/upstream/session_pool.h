// One worker's HTTP/2 sessions to one endpoint, and the requests that wait for a connection to it.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "cluster/endpoint.h"
#include "upstream/dial.h"
#include "upstream/options.h"
#include "upstream/session_scope.h"

namespace weir {

/// A request takes a stream of the session that has the fewest. When all are full it waits for a
/// connection that is being opened, if that will have room for it, or has one opened. How many
/// streams an origin allows on a session is known when its settings have come; until then it
/// carries one request, and the others wait. A connection belongs to nobody: a request that leaves
/// does not take it away from the others. Shared by the pool and by who waits; with the last of
/// them the sessions are drained.
class SessionPool final : private h2::ClientSessionHome,
                          private Cancellable,
                          public std::enable_shared_from_this<SessionPool> {
 public:
  using Session = h2::ClientSession::Reference;

  /// What a request may use: one of the two.
  struct Leased {
    Session session;
    std::unique_ptr<Stream> stream;  // the endpoint speaks HTTP/1.1
    ConnectionPlaces::Place place = {};
  };

  SessionPool(Loop& loop, std::shared_ptr<const Endpoint> endpoint);
  ~SessionPool();

  /// A session with room for one more stream, or none. Closes those that have served their time.
  Session find(const UpstreamOptions& options);
  /// The same, but waits for a connection; then the endpoint may turn out to speak HTTP/1.1.
  /// Errors: what `dial` says; `connect_timeout` as well when none of those that were opened became
  /// free in time; `overloaded` if the origin allows no streams.
  Task<Result<Leased>> lease(const UpstreamOptions& options, StopToken stop);

  /// What is known from the last connection: the endpoint does not agree on HTTP/2.
  bool speaks_http1(const UpstreamOptions& options) const {
    return speaks_ == Speaks::http1 && known_under_ == options.tls.get();
  }
  /// It speaks HTTP/2, but not for WebSocket and the like (RFC 8441).
  bool refuses_upgrades(const UpstreamOptions& options) const;

  /// Closes what is not needed any more; false if nothing is left.
  bool sweep();
  /// Closes a session that is idle, for its place.
  bool spare();
  std::size_t sessions() const { return entries_.size(); }

 private:
  enum class Speaks : std::uint8_t { unknown, http1, http2 };

  struct Entry {
    Session session;
    const TlsClientProfile* tls;  // under which it was made
    bool learning;                // the origin's settings are awaited, as part of connecting
  };
  /// Ends with a stream, an error, or neither: then it is worth to look again.
  struct Wait : Operation {
    Wait(SessionPool& in, const UpstreamOptions& uses) : pool(in), options(uses) {}
    bool start() { return pool.start(*this); }
    SessionPool& pool;
    const UpstreamOptions& options;
    Result<Dialled> result{};
  };

  void stream_ended(h2::ClientSession& session) override;
  void settings_came(h2::ClientSession& session) override;
  void session_closed(h2::ClientSession& session) override;
  AbuseCounters& abuse() override { return scope_.abuse(); }
  void cancel(Operation& operation, const Error& why) override;

  bool start(Wait& wait);
  static Scope::Child connect(Scope& scope, std::shared_ptr<SessionPool> self,
                              UpstreamOptions options);
  void open(Dialled connection, const UpstreamOptions& options);
  void give(Dialled connection);
  void failed(const Error& why);
  void wake(std::size_t count);
  void wake_for(std::uint32_t streams);
  std::uint32_t room(const h2::ClientSession& session) const;
  void learn(const h2::ClientSession& session);
  std::size_t expected() const;
  bool worn_out(const h2::ClientSession& session, const PoolLimits& limits) const;

  Loop& loop_;
  SessionScope& scope_;
  std::shared_ptr<const Endpoint> endpoint_;
  std::vector<Entry> entries_;
  std::deque<Wait*> waiting_;
  PoolLimits limits_;  // of the last request
  const TlsClientProfile* known_under_ = nullptr;
  std::uint32_t connecting_ = 0;
  std::uint32_t allowed_ = 100;  // streams of a session, by the last one's settings
  Speaks speaks_ = Speaks::unknown;
};

}  // namespace weir

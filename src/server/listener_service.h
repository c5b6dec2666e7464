// One listener on one worker: accepts, serves, and pins the configuration of each exchange.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "core/gathered.h"
#include "core/list.h"
#include "http/h1/server_session.h"
#include "http/service.h"
#include "server/connection_limits.h"
#include "server/overload.h"
#include "server/snapshot.h"

namespace weir {

/// Told about every exchange that ended, once; one per worker, outlives its services.
class ExchangeObserver {
 public:
  virtual ~ExchangeObserver() = default;
  virtual void exchange_ended(Exchange& exchange) = 0;
};

/// A snapshot as one worker holds it. Freed by the worker when nothing points to it any more.
struct PinnedSnapshot {
  std::shared_ptr<const Snapshot> snapshot;
  std::uint32_t pins = 0;
};

/// What all workers share of a listener; outlives configurations.
struct SharedListener {
  /// `process` counts the connections of all listeners; it and `overload` outlive them.
  SharedListener(std::string_view name, Address address_, std::atomic<std::uint64_t>& process,
                 Overload& overload_)
      : address(std::move(address_)), limits(process), overload(overload_) {
    rename(name);
  }

  /// Any thread. Stays where it is, for the connections that were accepted under it.
  const std::string& name() const { return *name_.load(std::memory_order_acquire); }
  /// By the thread that owns the server.
  void rename(std::string_view name) {
    name_.store(&*names_.emplace(name).first, std::memory_order_release);
  }

  const Address address;  // as configured; `bound` has the port that the kernel chose
  Address bound;
  ConnectionLimits limits;
  Overload& overload;
  std::atomic<std::uint64_t> accept_errors{0};
  Gathered<SessionCounters> sessions;  // of all workers

 private:
  std::set<std::string> names_;  // all that it ever had
  std::atomic<const std::string*> name_{nullptr};
};

/// An idle connection on its way from one worker to another.
struct MovedConnection {
  std::shared_ptr<SharedListener> listener;
  int socket;
  Peer peer;
  std::string received;  // read, not consumed
};
using MoveConnection = std::function<void(const MovedConnection&)>;

class ListenerService final : public Service {
 public:
  /// `load` is the worker's, `observer` too.
  ListenerService(Loop& loop, std::shared_ptr<SharedListener> shared, ExchangeObserver& observer,
                  WorkerLoad& load);
  ~ListenerService();

  /// The configuration for exchanges that begin from now on. Only its own worker calls.
  void use(PinnedSnapshot& pinned, const ListenerPlan& plan);

  Status listen(int socket);
  /// Takes no more connections from one socket, or from all; sessions go on, sockets stay open.
  void stop_accepting(int socket);
  void stop_accepting();
  /// Sessions end after their current exchange, idle ones at once.
  void drain();
  /// The worker leaves: connections go to `others` as soon as they are idle, with their place
  /// among the connections. Those that cannot (TLS) end after their next exchange: no client loses
  /// the request that it is just sending.
  void retire(MoveConnection others);
  /// Goes on with a connection that another worker gave away.
  void adopt(const MovedConnection& moved);
  /// Everything ends now.
  void abort(const Error& why);
  Task<void> finished();

  bool empty() const { return scope_.running() == 0; }
  bool admin() const { return plan_ != nullptr && plan_->admin; }
  const SharedListener& shared() const { return *shared_; }
  const std::shared_ptr<SharedListener>& shared_pointer() const { return shared_; }

  const SessionLimits& limits() const override { return limits_; }
  const Handler& attach(Exchange& exchange) override;
  void detach(Exchange& exchange) override;
  void closed(const Peer& peer) override;
  bool take_over_http2(std::unique_ptr<Stream>& stream, const ConnectionFacts& facts,
                       Slice& unread) override;
  SessionCounters& counters() override { return *counters_; }
  bool draining() const override { return draining_; }
  bool retiring() const override { return others_ != nullptr; }
  bool hand_over(std::unique_ptr<Stream>& stream, const Peer& peer,
                 std::string_view received) override;

 private:
  struct Source {
    explicit Source(StopToken all) : stop(all) {}
    std::unique_ptr<Listener> listener;
    int socket = -1;
    StopSource stop;
  };
  using Sources = std::list<Source>;

  Task<void> accept(Sources::iterator source);
  void serve(std::unique_ptr<Stream> stream);
  Task<void> secure(std::unique_ptr<Stream> transport, Peer peer,
                    std::shared_ptr<const TlsServerProfile> profile);
  void begin(std::unique_ptr<Stream> stream, const ConnectionFacts& facts, Slice received = {});

  Loop& loop_;
  std::shared_ptr<SharedListener> shared_;
  ExchangeObserver& observer_;
  WorkerLoad& load_;
  PinnedSnapshot* pinned_ = nullptr;
  const ListenerPlan* plan_ = nullptr;
  SessionLimits limits_;
  Gathered<SessionCounters>::Part counters_;
  Scope scope_;
  StopSource accepting_;
  Sources sources_;
  StopSource handshakes_;
  Link sessions_;
  bool draining_ = false;
  MoveConnection others_;
};

}  // namespace weir

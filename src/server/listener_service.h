// One listener on one worker: accepts, admits, and ends what stands ahead of the connection's own
// bytes: PROXY headers and TLS. What is spoken then is the business of its kind.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "core/gathered.h"
#include "core/scope.h"
#include "server/shared_listener.h"
#include "server/snapshot.h"

namespace weir {

/// A snapshot as one worker holds it. Freed by the worker when nothing points to it any more.
struct PinnedSnapshot {
  std::shared_ptr<const Snapshot> snapshot;
  std::uint32_t pins = 0;
};

/// An idle connection on its way from one worker to another.
struct MovedConnection {
  std::shared_ptr<SharedListener> listener;
  int socket;
  Peer peer;
  std::string received;  // read, not consumed
};
using MoveConnection = std::function<void(const MovedConnection&)>;

/// What is known of a connection before its session begins.
struct Arrival : ConnectionFacts {
  std::shared_ptr<const Address> destination;  // that a PROXY header told; null: none did
};

class ListenerService {
 public:
  ListenerService(Loop& loop, std::shared_ptr<SharedListener> shared);
  virtual ~ListenerService();

  /// The configuration for what begins from now on. Only its own worker calls.
  virtual void use(PinnedSnapshot& pinned, const ListenerPlan& plan);

  virtual Status listen(int socket);
  /// Takes no more connections from one socket, or from all; sessions go on, sockets stay open.
  virtual void stop_accepting(int socket);
  virtual void stop_accepting();
  /// Sessions end when they can do so in order.
  virtual void drain() = 0;
  /// The worker leaves: connections that can go to `others` do as soon as they are idle, with their
  /// place among the connections. The rest ends as with a drain, or in its own time.
  virtual void retire(MoveConnection others) = 0;
  /// Goes on with a connection that another worker gave away. False: it cannot.
  virtual bool adopt(const MovedConnection&) { return false; }
  /// Everything ends now.
  virtual void abort(const Error& why);
  Task<void> finished();

  bool empty() const { return scope_.running() == 0; }
  bool admin() const { return plan_ != nullptr && plan_->admin; }
  bool ending() const { return draining_; }
  const SharedListener& shared() const { return *shared_; }
  const std::shared_ptr<SharedListener>& shared_pointer() const { return shared_; }

 protected:
  /// A connection that is admitted begins. `received` was read of it. `facts` hold what its proxy
  /// and its handshake told.
  virtual void begin(std::unique_ptr<Stream> stream, Arrival facts, Slice received) = 0;
  /// A connection that was admitted has ended.
  void left(const Peer& peer) { shared_->limits.leave(peer.ip()); }

  Loop& loop_;
  std::shared_ptr<SharedListener> shared_;
  PinnedSnapshot* pinned_ = nullptr;
  const ListenerPlan* plan_ = nullptr;
  Gathered<SessionCounters>::Part counters_;
  Scope scope_;
  bool draining_ = false;

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
  Task<void> introduce(std::unique_ptr<Stream> stream, Arrival facts);
  void go_on(std::unique_ptr<Stream> stream, Arrival facts, Slice received);
  Task<void> secure(std::unique_ptr<Stream> transport, Arrival facts, Slice received,
                    std::shared_ptr<const TlsServerProfile> profile);

  StopSource accepting_;
  Sources sources_;
  StopSource arrivals_;  // of connections that have not begun yet
};

class ExchangeObserver;

/// The service of the kind that the listener is of. `observer` and `load` are the worker's.
std::unique_ptr<ListenerService> make_listener_service(Loop& loop,
                                                       std::shared_ptr<SharedListener> shared,
                                                       ExchangeObserver& observer,
                                                       WorkerLoad& load);

}  // namespace weir

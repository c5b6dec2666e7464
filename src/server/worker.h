// Worker: one loop, its listeners and its view of the configuration.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "server/exchange_observer.h"
#include "server/listener_service.h"

namespace weir {

/// What a change means for one worker.
struct WorkerChange {
  struct Socket {
    std::shared_ptr<SharedListener> listener;
    int socket;
  };
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<Socket> sockets;                           // to accept from, beside those it has
  std::vector<Socket> released;                          // another worker accepts from them now
  std::vector<std::shared_ptr<SharedListener>> removed;  // to stop, sessions drain
};

/// Everything here runs on the worker's own loop.
class Worker {
 public:
  Worker(Loop& loop, std::unique_ptr<ExchangeObserver> observer, Overload& overload);
  ~Worker();

  Loop& loop() { return loop_; }
  ExchangeObserver& observer() { return *observer_; }

  /// First error, if a socket cannot be listened on; everything else is applied all the same.
  Status apply(const WorkerChange& change);
  /// Stops accepting; sessions end after their current exchange.
  void drain();
  /// The same, but the admin listener goes on. Runs `done` once the others have no session left.
  void drain_traffic(std::function<void()> done);
  /// Stops accepting as well; idle connections go to `others`, the rest when it becomes idle.
  void retire(const MoveConnection& others);
  /// Goes on with a connection of a worker that leaves; false if its listener is gone.
  bool adopt(const MovedConnection& moved);
  /// Ends what is left.
  void abort();
  /// Runs `done` once no session is left; after drain or abort.
  void when_empty(std::function<void()> done);

  template <class F>
  void for_each_service(F f) {
    for (auto& service : services_) f(*service);
  }

 private:
  ListenerService& service_for(const std::shared_ptr<SharedListener>& listener);
  void drop_unpinned();
  void drop_pools(const Snapshot& gone);
  Task<void> finish(std::function<void()> done, bool admin_too);

  Loop& loop_;
  std::unique_ptr<ExchangeObserver> observer_;
  Gathered<WorkerLoad>::Part load_;
  std::list<PinnedSnapshot> snapshots_;  // the last one is current
  std::vector<std::unique_ptr<ListenerService>> services_;
  Scope scope_;
  struct Cleaner : Timer {
    using Timer::Timer;
    Worker* worker = nullptr;
  } cleaner_;
};

}  // namespace weir

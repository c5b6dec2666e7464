#include "server/worker.h"

#include <algorithm>

#include "core/log.h"
#include "middleware/cache/fill.h"
#include "store/redis_client.h"
#include "upstream/mirror.h"
#include "upstream/session_scope.h"

namespace weir {
namespace {

// Old snapshots go as soon as the last exchange under them has ended; how soon that is noticed.
constexpr Duration kCleanInterval = std::chrono::milliseconds(200);

}  // namespace

Worker::Worker(Loop& loop, std::unique_ptr<ExchangeObserver> observer, Overload& overload)
    : loop_(loop),
      observer_(std::move(observer)),
      load_(overload.loads()),
      cleaner_([](Timer& timer) { static_cast<Cleaner&>(timer).worker->drop_unpinned(); }) {
  cleaner_.worker = this;
}

Worker::~Worker() { services_.clear(); }

Status Worker::apply(const WorkerChange& change) {
  snapshots_.push_back({change.snapshot, 0});
  PinnedSnapshot& current = snapshots_.back();
  Status result;
  for (const auto& each : change.sockets) {
    ListenerService& service = service_for(each.listener);
    const SharedListener& shared = *each.listener;
    const ListenerPlan* plan = change.snapshot->find_listener(shared);
    if (plan != nullptr) service.use(current, *plan);
    if (Status listening = service.listen(each.socket); !listening) result = listening;
  }
  for (auto& service : services_) {
    const SharedListener& shared = service->shared();
    const ListenerPlan* plan = change.snapshot->find_listener(shared);
    if (plan != nullptr) service->use(current, *plan);
  }
  for (const auto& each : change.released) service_for(each.listener).stop_accepting(each.socket);
  for (const auto& gone : change.removed) {
    for (auto& service : services_) {
      if (service->shared_pointer() != gone) continue;
      service->stop_accepting();
      service->drain();
    }
  }
  drop_unpinned();
  return result;
}

ListenerService& Worker::service_for(const std::shared_ptr<SharedListener>& listener) {
  for (auto& service : services_) {
    if (service->shared_pointer() == listener && !service->ending()) return *service;
  }
  services_.push_back(make_listener_service(loop_, listener, *observer_, *load_));
  return *services_.back();
}

void Worker::drop_unpinned() {
  std::erase_if(services_,
                [](const auto& service) { return service->ending() && service->empty(); });
  if (snapshots_.empty()) return;
  auto current = std::prev(snapshots_.end());
  for (auto it = snapshots_.begin(); it != current;) {
    if (it->pins > 0) {
      ++it;
      continue;
    }
    std::shared_ptr<const Snapshot> gone = std::move(it->snapshot);
    it = snapshots_.erase(it);
    drop_pools(*gone);
  }
  if (snapshots_.size() > 1) loop_.timers().arm(cleaner_, loop_.now() + kCleanInterval);
}

// A pool keeps its cluster alive: it goes with the last snapshot that names the cluster, when no
// exchange can hold a lease of it any more.
void Worker::drop_pools(const Snapshot& gone) {
  for (const auto& [name, upstream] : gone.upstreams) {
    const std::shared_ptr<Cluster>& cluster = upstream->cluster();
    bool wanted = std::ranges::any_of(snapshots_, [&](const PinnedSnapshot& kept) {
      auto found = kept.snapshot->upstreams.find(name);
      return found != kept.snapshot->upstreams.end() && found->second->cluster() == cluster;
    });
    if (!wanted) loop_.slots().erase(cluster->worker_key());
  }
}

void Worker::drain() {
  for (auto& service : services_) {
    service->stop_accepting();
    service->drain();
  }
}

void Worker::drain_traffic(std::function<void()> done) {
  for (auto& service : services_) {
    if (service->admin()) continue;
    service->stop_accepting();
    service->drain();
  }
  scope_.spawn(finish(std::move(done), false));
}

void Worker::retire(const MoveConnection& others) {
  for (auto& service : services_) {
    service->stop_accepting();
    service->retire(others);
  }
}

// A worker may have no socket of the listener, and so no service for it yet.
bool Worker::adopt(const MovedConnection& moved) {
  if (snapshots_.empty()) return false;
  PinnedSnapshot& current = snapshots_.back();
  const SharedListener& shared = *moved.listener;
  const ListenerPlan* plan = current.snapshot->find_listener(shared);
  if (plan == nullptr) return false;
  ListenerService& service = service_for(moved.listener);
  service.use(current, *plan);
  return service.adopt(moved);
}

void Worker::abort() {
  for (auto& service : services_) {
    service->abort(Error(ErrorCode::shutting_down, Origin::weir, "the drain took too long"));
  }
}

void Worker::when_empty(std::function<void()> done) { scope_.spawn(finish(std::move(done), true)); }

// Services that are empty may be dropped while this waits for another one.
Task<void> Worker::finish(std::function<void()> done, bool admin_too) {
  auto busy = [admin_too](const auto& service) {
    return !service->empty() && (admin_too || !service->admin());
  };
  while (true) {
    auto service = std::ranges::find_if(services_, busy);
    if (service == services_.end()) break;
    co_await (*service)->finished();
  }
  if (admin_too) {
    co_await cache::FillScope::finish(loop_);
    co_await MirrorScope::finish(loop_);  // whose copies use the sessions
    co_await SessionScope::finish(loop_);
    co_await RedisScope::finish(loop_);
  }
  done();
}

}  // namespace weir

#include "server/server.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "middleware/rate_limit/limit.h"
#include "server/socket_shares.h"

namespace weir {

Server::Server(Network& network, WorkerHost& host) : network_(network), host_(host) {}

Server::~Server() {
  for (BoundListener& listener : listeners_) {
    for (int socket : listener.sockets) network_.close(socket);
  }
}

bool Server::apply(ServerConfig config, config::Diagnostics& diagnostics,
                   std::function<void()> done, const Seal& seal) {
  unsigned workers = config.workers.value_or(host_.default_workers());
  std::map<std::string, std::shared_ptr<Cluster>, std::less<>> made;
  auto source = [&](const std::string& name) {
    auto known = clusters_.find(name);
    if (known != clusters_.end()) return known->second;
    auto& cluster = made[name];
    if (!cluster) cluster = std::make_shared<Cluster>(name);
    return cluster;
  };
  std::unique_ptr<Snapshot> snapshot =
      build_snapshot(std::move(config), {source, states_, tls_, workers, admin_}, diagnostics);
  if (!snapshot) return false;
  std::vector<BoundListener> fresh;
  if (!bind_new(*snapshot, workers, fresh, diagnostics) || !start_workers(workers, diagnostics) ||
      (seal && !seal(diagnostics))) {
    for (BoundListener& listener : fresh) {
      for (int socket : listener.sockets) network_.close(socket);
    }
    return false;
  }
  clusters_.merge(made);
  snapshot->generation = ++generation_;
  snapshot_ = std::move(snapshot);
  apply_limits(*snapshot_);
  update_clusters(*snapshot_);
  for (const auto& [name, store] : states_.all<cache::Store>()) store->open_disk();
  hand_out(std::move(fresh), workers, std::move(done));
  return true;
}

// --- binding -----------------------------------------------------------------------------------

bool Server::bind_new(const Snapshot& snapshot, unsigned workers, std::vector<BoundListener>& fresh,
                      config::Diagnostics& diagnostics) {
  bool ok = true;
  for (const auto& plan : snapshot.listeners) {
    bool known = std::any_of(listeners_.begin(), listeners_.end(), [&](const BoundListener& each) {
      return same_listener(*plan, *each.shared);
    });
    if (known) continue;
    BoundListener bound;
    ok = bind_listener(*plan, plan->position, workers, bound, diagnostics) && ok;
    if (bound.shared) fresh.push_back(std::move(bound));
  }
  return ok;
}

bool Server::bind_listener(const ListenerPlan& plan, config::Position position, unsigned workers,
                           BoundListener& bound, config::Diagnostics& diagnostics) {
  bound.shared =
      std::make_shared<SharedListener>(plan.name, plan.address, connections_, overload_, plan.kind);
  // One socket for each worker; a Unix socket cannot be shared out and serves them all.
  bool unix_path = plan.address.family() == Address::Family::unix_path;
  BindOptions options;
  options.reuse_port = !unix_path;
  options.datagram = plan.kind == ListenerKind::udp;
  // Clients' addresses are taken by the same right: that it is missing shows here, at the start.
  options.transparent =
      plan.tcp && !unix_path && (plan.tcp->intercept == Intercept::tproxy || plan.tcp->keep_source);
  Address address = plan.address;
  for (unsigned i = 0; i < (unix_path ? 1 : workers); ++i) {
    // The first is bound alone once, so that another program on the address is noticed.
    if (i == 0 && !unix_path && address.port() != 0 && !taken_by_us(plan, address)) {
      BindOptions alone = options;
      alone.reuse_port = false;
      Result<int> probe = network_.bind(address, alone);
      if (!probe) {
        report_bind(probe.error(), plan, position, diagnostics);
        return false;
      }
      network_.close(*probe);
    }
    Result<int> socket = network_.bind(address, options);
    if (!socket) {
      report_bind(socket.error(), plan, position, diagnostics);
      return false;
    }
    bound.sockets.push_back(*socket);
    if (i == 0) {
      bound.shared->bound = network_.bound_address(*socket).value_or(address);
      if (address.port() == 0 && !unix_path)
        address = address.with_port(bound.shared->bound.port());
    }
  }
  return true;
}

// By a listener of another kind, which goes when this one is in force.
bool Server::taken_by_us(const ListenerPlan& plan, const Address& address) const {
  return std::ranges::any_of(listeners_, [&](const BoundListener& each) {
    return each.shared->address == address && share_ports(each.shared->kind, plan.kind);
  });
}

void Server::report_bind(const Error& error, const ListenerPlan& plan, config::Position position,
                         config::Diagnostics& diagnostics) const {
  std::string help = "choose another address, or stop the program that listens there";
  if (error.code == ErrorCode::permission) {
    bool transparent = error.detail == "IP_TRANSPARENT";
    help = transparent ? "\"intercept: tproxy\" and \"keep_source\" need root or CAP_NET_ADMIN"
                       : "ports below 1024 need root or CAP_NET_BIND_SERVICE";
  } else if (error.code == ErrorCode::address_unavailable) {
    help = "use an address of this machine, or \":PORT\" for all of them";
  }
  diagnostics.error(position, config::Code::address_in_use,
                    fmt::format("cannot listen on {}: {}", plan.address.text(), name(error.code)),
                    help);
}

// --- taking into use ---------------------------------------------------------------------------

void Server::apply_limits(const Snapshot& snapshot) {
  for (const auto& plan : snapshot.listeners) {
    for (BoundListener& listener : listeners_) {
      if (!same_listener(*plan, *listener.shared)) continue;
      listener.shared->rename(plan->name);
      listener.shared->limits.set(snapshot.config.limits.max_connections.value_or(0),
                                  plan->max_connections, plan->max_connections_per_client);
    }
  }
}

void Server::update_clusters(const Snapshot& snapshot) {
  for (const auto& entry : snapshot.config.upstreams) {
    std::vector<WeightedAddress> addresses;
    for (const EndpointConfig& endpoint : entry.value.endpoints) {
      if (is_followed(endpoint)) continue;
      addresses.push_back(
          {to_address(*endpoint.address), endpoint.weight, {}, endpoint.placement()});
    }
    clusters_.at(entry.name)->set_policy(snapshot.upstreams.at(entry.name)->options().balance);
    clusters_.at(entry.name)->update("", std::move(addresses));
  }
  std::erase_if(clusters_, [&](const auto& each) {
    return snapshot.config.upstreams.find(each.first) == nullptr;
  });
  if (discovery_ != nullptr) discovery_->follow(snapshot.config, clusters_);
  if (health_ != nullptr) health_->follow(snapshot);
  if (traces_ != nullptr) traces_->use(snapshot.tracing);
}

void Server::tend_clusters(TimePoint now, std::int64_t wall) {
  if (!snapshot_) return;
  for (const auto& each : snapshot_->upstreams) {
    const Upstream& upstream = *each.second;
    upstream.cluster()->outliers().tend(upstream.options().outliers, now, wall);
  }
}

void Server::tend_limits(TimePoint now) {
  for (const auto& each : states_.all<RateBudgets>()) each.second->tend(now);
}

void Server::sense_load(TimePoint now, std::uint64_t memory, std::uint64_t limit) {
  if (!snapshot_ || workers_.empty()) return;
  OverloadPolicy policy = policy_of(snapshot_->config.overload, limit);
  overload_.sense(policy, {.memory = memory,
                           .lag = lag_.lag(now),
                           .connections = connections_.load(std::memory_order_relaxed),
                           .workers = worker_count()});
  if (policy.max_lag == Duration::zero()) return;
  if (auto round = lag_.begin(now)) {
    on_each_worker([round](Worker& worker) { round->arrived(worker.loop().now()); },
                   [round] { round->finish(); });
  }
}

bool Server::start_workers(unsigned count, config::Diagnostics& diagnostics) {
  while (workers_.size() < count) {
    unsigned index = free_index();
    Result<Loop*> loop = host_.start(index);
    if (!loop) {
      diagnostics.error({}, config::Code::descriptor_limit,
                        fmt::format("worker {} cannot be started: {}", index, loop.error().detail));
      return false;
    }
    workers_.push_back(
        {index, *loop, std::make_unique<Worker>(**loop, host_.make_observer(**loop), overload_)});
  }
  return true;
}

// A worker that ends in its own time keeps its number until it is gone.
unsigned Server::free_index() const {
  unsigned index = 0;
  auto taken = [&](const auto& running) { return running.index == index; };
  auto leaving = [&](const auto& running) { return running->index == index; };
  while (std::ranges::any_of(workers_, taken) || std::ranges::any_of(retiring_, leaving)) ++index;
  return index;
}

std::vector<int> Server::remove_listeners(std::vector<WorkerChange>& changes) {
  std::vector<int> closing;
  std::erase_if(listeners_, [&](BoundListener& listener) {
    const SharedListener& shared = *listener.shared;
    if (snapshot_->find_listener(shared) != nullptr) return false;
    for (WorkerChange& change : changes) change.removed.push_back(listener.shared);
    closing.insert(closing.end(), listener.sockets.begin(), listener.sockets.end());
    return true;
  });
  return closing;
}

// A socket that is still configured is never closed: connections wait in it. With fewer workers the
// ones that stay take over those of the ones that go, with more the new ones get theirs.
void Server::share_sockets(BoundListener& listener, unsigned workers,
                           std::vector<WorkerChange>& changes) {
  unsigned before = std::exchange(listener.workers, workers);
  if (listener.shared->address.family() == Address::Family::unix_path) {
    for (unsigned i = before; i < workers; ++i) {
      changes[i].sockets.push_back({listener.shared, listener.sockets[0]});
    }
    return;
  }
  while (listener.sockets.size() < workers) {
    Result<int> socket = network_.bind(listener.shared->bound,
                                       {.datagram = listener.shared->kind == ListenerKind::udp});
    if (!socket) break;  // the workers that there are serve it all the same
    listener.sockets.push_back(*socket);
  }
  listener.owners.resize(listener.sockets.size(), kNoWorker);
  for (const SocketMove& move : share_out(listener.owners, workers)) {
    WorkerChange::Socket socket{listener.shared, listener.sockets[move.socket]};
    changes[move.to].sockets.push_back(socket);
    if (move.from < workers) changes[move.from].released.push_back(socket);
  }
}

void Server::hand_out(std::vector<BoundListener> fresh, unsigned workers,
                      std::function<void()> done) {
  std::vector<WorkerChange> changes(workers_.size());
  for (WorkerChange& change : changes) change.snapshot = snapshot_;
  std::vector<int> closing = remove_listeners(changes);
  std::ranges::move(fresh, std::back_inserter(listeners_));
  for (BoundListener& listener : listeners_) share_sockets(listener, workers, changes);
  apply_limits(*snapshot_);

  std::vector<Running> leaving;
  while (workers_.size() > workers) {
    leaving.push_back(std::move(workers_.back()));
    workers_.pop_back();
  }
  auto finished = countdown(workers_.size() + leaving.size(), [this, closing, done] {
    for (int socket : closing) network_.close(socket);
    if (done) done();
  });
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Worker* worker = workers_[i].worker.get();
    workers_[i].loop->post([worker, change = std::move(changes[i]), finished] {
      if (Status applied = worker->apply(change); !applied) {
        log("listen_failed", {{"reason", name(applied.error().code)}});
      }
      finished();
    });
  }
  for (Running& running : leaving) {
    running.loop->post([this, worker = running.worker.get(), finished] {
      worker->retire(
          [this](const MovedConnection& moved) { host_.post([this, moved] { settle(moved); }); });
      finished();
    });
    retire(std::move(running));
  }
}

// Its listeners are served by others from now on; it goes when its sessions are done.
void Server::retire(Running running) {
  auto kept = std::make_shared<Running>(std::move(running));
  retiring_.push_back(kept);
  kept->loop->post([this, kept] {
    kept->worker->when_empty([this, kept] {
      host_.post([this, kept] {
        kept->loop->post([this, kept] {
          kept->worker.reset();
          host_.post([this, kept] {
            host_.retire(kept->index);
            std::erase(retiring_, kept);
            go_on_draining();
          });
        });
      });
    });
  });
}

// A connection of a worker that leaves goes on at one that stays.
void Server::settle(const MovedConnection& moved) {
  if (workers_.empty()) return give_up(moved);
  Running& next = workers_[settled_++ % workers_.size()];
  next.loop->post([this, worker = next.worker.get(), moved] {
    if (!worker->adopt(moved)) host_.post([this, moved] { give_up(moved); });
  });
}

void Server::give_up(const MovedConnection& moved) {
  network_.close(moved.socket);
  moved.listener->limits.leave(moved.peer.ip());
}

// --- the end -----------------------------------------------------------------------------------

// First the listeners that serve clients; the admin listener tells of the drain meanwhile, and
// goes when nothing is left to tell of.
void Server::drain(std::function<void()> done) {
  ended_ = std::move(done);
  draining_ = Draining::traffic;
  busy_workers_ = workers_.size();
  auto stopped = countdown(workers_.size(), [this] { close_listeners(Draining::traffic); });
  auto quiet = [this] {
    host_.post([this] {
      --busy_workers_;
      go_on_draining();
    });
  };
  for (auto& running : retiring_) {
    running->loop->post([running] {
      if (running->worker) running->worker->drain();
    });
  }
  for (Running& running : workers_) {
    Worker* worker = running.worker.get();
    running.loop->post([worker, stopped, quiet] {
      worker->drain_traffic(quiet);
      stopped();
    });
  }
  go_on_draining();
}

void Server::go_on_draining() {
  if (draining_ == Draining::traffic && busy_workers_ == 0 && retiring_.empty()) retire_all();
  if (draining_ != Draining::all || !retiring_.empty() || !ended_) return;
  host_.post(std::exchange(ended_, nullptr));
}

// Every worker goes like one that a reload takes away: it is destroyed on its own loop.
void Server::retire_all() {
  draining_ = Draining::all;
  std::vector<Running> leaving = std::exchange(workers_, {});
  auto stopped = countdown(leaving.size(), [this] { close_listeners(Draining::all); });
  for (Running& running : leaving) {
    Worker* worker = running.worker.get();
    running.loop->post([worker, stopped] {
      worker->drain();
      stopped();
    });
    retire(std::move(running));
  }
}

// Nobody accepts any more: whoever connects is to be refused, not left to wait.
void Server::close_listeners(Draining which) {
  for (BoundListener& listener : listeners_) {
    const SharedListener& shared = *listener.shared;
    const ListenerPlan* plan = snapshot_->find_listener(shared);
    if (which == Draining::traffic && plan != nullptr && plan->admin) continue;
    for (int socket : listener.sockets) network_.close(socket);
    listener.sockets.clear();
  }
}

void Server::abort() {
  for (Running& running : workers_) {
    Worker* worker = running.worker.get();
    running.loop->post([worker] { worker->abort(); });
  }
  for (auto& running : retiring_) {
    running->loop->post([running] {
      if (running->worker) running->worker->abort();
    });
  }
}

std::function<void()> Server::countdown(std::size_t count, std::function<void()> done) {
  auto left = std::make_shared<std::atomic<std::size_t>>(count);
  return [this, left, done = std::move(done)] {
    if (left->fetch_sub(1) == 1) host_.post(done);
  };
}

std::vector<std::shared_ptr<SharedListener>> Server::listeners() const {
  std::vector<std::shared_ptr<SharedListener>> all;
  for (const BoundListener& listener : listeners_) all.push_back(listener.shared);
  return all;
}

std::vector<std::shared_ptr<Cluster>> Server::clusters() const {
  std::vector<std::shared_ptr<Cluster>> all;
  for (const auto& each : clusters_) all.push_back(each.second);
  return all;
}

std::vector<cache::StoreTotals> Server::caches() {
  std::vector<cache::StoreTotals> all;
  for (const auto& [name, store] : states_.all<cache::Store>()) all.push_back(store->totals());
  return all;
}

BufferFigures Server::buffers() {
  BufferFigures all;
  for (const auto& [name, use] : states_.all<BufferUse>()) {
    all.memory += use->memory;
    all.disk += use->disk;
    all.spilled += use->spilled;
    all.refused += use->refused;
  }
  return all;
}

void Server::on_each_worker(std::function<void(Worker&)> f, std::function<void()> done) {
  auto finished = countdown(workers_.size(), std::move(done));
  for (Running& running : workers_) {
    Worker* worker = running.worker.get();
    running.loop->post([worker, f, finished] {
      f(*worker);
      finished();
    });
  }
}

}  // namespace weir

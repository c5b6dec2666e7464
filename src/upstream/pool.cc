#include "upstream/pool.h"

#include <algorithm>
#include <map>
#include <utility>

namespace weir {
namespace {

// Idle connections are watched so that `seen_open` is right; there is nothing to do but to know.
HangupWatch only_know([](HangupWatch&) {});

// Closes the shared connections that have been idle since before `time`.
void close_shared(Loop& loop, Endpoint& endpoint, TimePoint time) {
  for (const SharedConnection& old : endpoint.shared.take_older(time)) {
    (void)loop.adopt(old.socket);  // and closes it
  }
}

}  // namespace

Pool::Pool(Loop& loop, std::shared_ptr<Cluster> cluster, bool share)
    : loop_(loop),
      cluster_(std::move(cluster)),
      set_(std::make_shared<EndpointSet>()),
      counters_(cluster_->pools()),
      retry_counters_(cluster_->retries()),
      cursors_{loop.random().next() >> 1},
      sweep_([](Timer& timer) { static_cast<Sweep&>(timer).pool->sweep(); }),
      share_(share) {
  sweep_.pool = this;
}

// What the workers share may have nobody else to look after it.
Pool::~Pool() {
  for (Place& place : places_) close_shared(loop_, *place.endpoint, TimePoint::max());
}

Pool& Pool::of(Loop& loop, const std::shared_ptr<Cluster>& cluster, bool share) {
  return loop.slots().get<Pool>(cluster->worker_key(),
                                [&] { return std::make_unique<Pool>(loop, cluster, share); });
}

const EndpointSet& Pool::endpoints() {
  if (cluster_->version() != set_->version) refresh();
  return *set_;
}

void Pool::refresh() {
  std::map<const Endpoint*, Place*> known;
  std::vector<Place> old = std::exchange(places_, {});
  for (Place& place : old) known.emplace(place.endpoint.get(), &place);
  set_ = cluster_->endpoints();
  while (cursors_.size() < set_->groups()) cursors_.push_back(loop_.random().next() >> 1);
  for (const auto& endpoint : set_->endpoints) {
    auto found = known.find(endpoint.get());
    if (found == known.end()) {
      places_.push_back(Place{endpoint, {}, 0, nullptr, nullptr});
    } else {
      places_.push_back(std::move(*found->second));
    }
  }
  // Every worker that published to an endpoint gets here after it did: none of it is forgotten.
  for (Place& place : old) {
    if (place.endpoint) close_shared(loop_, *place.endpoint, TimePoint::max());
  }
}

Pool::Place* Pool::find(const Endpoint& endpoint, std::uint32_t index) {
  if (index < places_.size() && places_[index].endpoint.get() == &endpoint) return &places_[index];
  for (Place& place : places_) {
    if (place.endpoint.get() == &endpoint) return &place;
  }
  return nullptr;
}

h1::ClientConnection Pool::take(const Endpoint& endpoint, std::uint32_t index, bool certain,
                                const PoolLimits& limits) {
  Place* place = find(endpoint, index);
  if (place == nullptr || limits.max_idle == 0) return {};
  while (!place->idle.empty()) {
    h1::ClientConnection connection = std::move(place->idle.back().connection);
    place->idle.pop_back();
    place->low = std::min(place->low, place->idle.size());
    if (!usable(connection, limits)) continue;
    bool open = certain ? connection.stream->idle_and_open() : connection.stream->seen_open();
    if (open) {
      connection.stream->watch_hangup(nullptr);
      counters_->reused.add();
      return connection;
    }
    counters_->stale.add();
  }
  return take_shared(*place->endpoint, limits);
}

// A connection from before connections were counted would be one too many.
bool Pool::usable(const h1::ClientConnection& connection, const PoolLimits& limits) const {
  return !limits.too_old(connection.born, loop_.now()) && connection.tls == limits.tls &&
         (!limits.counted || connection.place != nullptr);
}

h1::ClientConnection Pool::take_shared(Endpoint& endpoint, const PoolLimits& limits) {
  if (!share_ || limits.tls != nullptr) return {};
  while (auto shared = endpoint.shared.take()) {
    Result<std::unique_ptr<Stream>> stream = loop_.adopt(shared->socket);
    if (limits.too_old(shared->born, loop_.now())) continue;
    if (limits.counted && shared->place == nullptr) continue;
    if (!stream || !(*stream)->idle_and_open()) {
      counters_->stale.add();
      continue;
    }
    counters_->taken.add();
    return {std::move(*stream), shared->born, shared->uses, nullptr, std::move(shared->place)};
  }
  return {};
}

void Pool::put(const Endpoint& endpoint, std::uint32_t index, h1::ClientConnection connection,
               const PoolLimits& limits) {
  endpoints();
  Place* place = find(endpoint, index);
  if (place == nullptr || place->idle.size() >= limits.max_idle) return;
  if (limits.max_requests > 0 && connection.uses >= limits.max_requests) return;
  if (limits.too_old(connection.born, loop_.now())) return;
  if (limits.counted && !hand_on(*place, connection)) return;
  limits_ = limits;
  connection.stream->watch_hangup(&only_know);
  place->idle.push_back({std::move(connection), loop_.now()});
  if (!sweep_.armed()) loop_.timers().arm(sweep_, loop_.now() + kSweep);
}

std::shared_ptr<SessionPool> Pool::sessions(const std::shared_ptr<Endpoint>& endpoint,
                                            std::uint32_t index, bool counted) {
  Place* place = find(*endpoint, index);
  if (place == nullptr) return std::make_shared<SessionPool>(loop_, endpoint);
  if (place->sessions == nullptr) place->sessions = std::make_shared<SessionPool>(loop_, endpoint);
  if (counted) keep(*place);
  if (!sweep_.armed()) loop_.timers().arm(sweep_, loop_.now() + kSweep);
  return place->sessions;
}

// --- where connections are limited -------------------------------------------------------------

// False if the connection is not to be kept: it has no place, or somebody waits for it. Who waits
// for an endpoint with room may be on another worker, and takes what is shared.
bool Pool::hand_on(Place& place, h1::ClientConnection& connection) {
  if (connection.place == nullptr || place.endpoint->connection_wanted()) return false;
  keep(place);
  if (!share_ || connection.tls != nullptr || cluster_->queue().waiting() == 0) return true;
  SharedConnection shared{connection.stream->detach(), connection.born, loop_.now(),
                          connection.uses, connection.place};
  if (shared.socket < 0) return false;
  if (!place.endpoint->shared.put(shared)) (void)loop_.adopt(shared.socket);  // and closes it
  return false;
}

void Pool::keep(Place& place) {
  if (!keeper_) {
    keeper_ = std::make_unique<ConnectionPlaces::Keeper>(
        cluster_->connections(), loop_, [&loop = loop_, cluster = cluster_] {
          if (auto* pool = loop.slots().find<Pool>(cluster->worker_key())) pool->spare_any();
        });
  }
  if (place.keeper) return;
  place.keeper = std::make_unique<ConnectionPlaces::Keeper>(
      place.endpoint->places, loop_,
      [&loop = loop_, cluster = cluster_, endpoint = place.endpoint.get()] {
        if (auto* pool = loop.slots().find<Pool>(cluster->worker_key())) pool->spare(endpoint);
      });
}

void Pool::spare(const Endpoint* endpoint) {
  auto place =
      std::ranges::find(places_, endpoint, [](const Place& each) { return each.endpoint.get(); });
  if (place != places_.end() && place->endpoint->places->waiting() > 0) (void)spare(*place);
}

void Pool::spare_any() {
  if (cluster_->connections()->waiting() == 0) return;
  for (Place& place : places_) {
    if (spare(place)) return;
  }
}

bool Pool::spare(Place& place) {
  if (!place.idle.empty()) {
    place.idle.front().connection.close();
    place.idle.erase(place.idle.begin());
    return true;
  }
  if (auto shared = place.endpoint->shared.take()) {
    (void)loop_.adopt(shared->socket);
    return true;
  }
  return place.sessions != nullptr && place.sessions->spare();
}

// --- sweeping ----------------------------------------------------------------------------------

void Pool::sweep() {
  endpoints();  // connections to endpoints that are gone are closed
  bool again = false;
  for (Place& place : places_) again = sweep_place(place) || again;
  if (again) loop_.timers().arm(sweep_, loop_.now() + kSweep);
}

// The bottom of the stack has been idle for longest.
bool Pool::sweep_place(Place& place) {
  TimePoint oldest = loop_.now() - limits_.idle_timeout;
  std::erase_if(place.idle, [&](const Idle& idle) {
    return idle.since < oldest || limits_.too_old(idle.connection.born, loop_.now()) ||
           !idle.connection.stream->seen_open();
  });
  if (share_) publish(place);
  place.low = place.idle.size();
  close_shared(loop_, *place.endpoint, oldest);
  bool open = place.sessions != nullptr && place.sessions->sweep();
  return open || !place.idle.empty() || !place.endpoint->shared.empty();
}

void Pool::publish(Place& place) {
  std::size_t surplus = std::min(place.low, place.idle.size());
  std::size_t given = 0;
  while (given < surplus) {
    Idle& idle = place.idle[given];
    if (idle.connection.tls != nullptr) break;  // its state cannot leave the worker
    SharedConnection shared{-1, idle.connection.born, idle.since, idle.connection.uses,
                            idle.connection.place};
    idle.connection.stream->watch_hangup(nullptr);
    shared.socket = idle.connection.stream->detach();
    if (shared.socket < 0) break;
    if (!place.endpoint->shared.put(shared)) {
      (void)loop_.adopt(shared.socket);
      ++given;
      break;
    }
    ++given;
  }
  place.idle.erase(place.idle.begin(), place.idle.begin() + static_cast<std::ptrdiff_t>(given));
}

std::size_t Pool::idle() const {
  std::size_t total = 0;
  for (const Place& place : places_) total += place.idle.size();
  return total;
}

}  // namespace weir

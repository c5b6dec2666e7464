#include "cluster/connection_places.h"

#include <utility>

#include "io/deadline.h"

namespace weir {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

}  // namespace

ConnectionPlaces::Keeper::Keeper(std::shared_ptr<ConnectionPlaces> places, Loop& loop,
                                 std::function<void()> spare)
    : places_(std::move(places)), loop_(loop), spare_(std::move(spare)) {
  std::lock_guard lock(places_->mutex_);
  places_->keepers_.append(*this);
}

ConnectionPlaces::Keeper::~Keeper() {
  std::lock_guard lock(places_->mutex_);
  unlink();
}

Task<Result<ConnectionPlaces::Place>> ConnectionPlaces::take(Loop& loop, EndpointLimits limits,
                                                             StopToken stop) {
  Deadline patience(loop, limits.queue_timeout, stop);
  OperationAwaiter<Wait> turn(patience.token(), *this, loop, limits);
  Result<Place> given = co_await turn;
  if (given || stop.stopped() || given.error().code == ErrorCode::queue_full) co_return given;
  co_return fail(ErrorCode::queue_timeout, Origin::weir, "no connection became free in time");
}

bool ConnectionPlaces::start(Wait& wait) {
  std::lock_guard lock(mutex_);
  if (waiting() == 0 && open() < wait.limits.max_connections) {
    wait.result = make();
    return true;
  }
  if (waiting() >= wait.limits.queue) {
    wait.result = fail(ErrorCode::queue_full, Origin::weir, "too many wait for a connection");
    return true;
  }
  waits_.append(wait.link);
  waiting_.fetch_add(1, kRelaxed);
  wait.pend(*this);
  for (Link* each = keepers_.next(); each != &keepers_; each = each->next()) {
    auto* keeper = static_cast<Keeper*>(each);
    keeper->loop_.post(keeper->spare_);
  }
  return false;
}

// Ends early only what has no place yet; else the post that completes it is on its way.
void ConnectionPlaces::cancel(Operation& operation, const Error& why) {
  auto& wait = static_cast<Wait&>(operation);
  std::lock_guard lock(mutex_);
  if (!wait.link.linked()) return;
  wait.link.unlink();
  waiting_.fetch_sub(1, kRelaxed);
  wait.result = fail(why);
  wait.loop.complete_soon(wait);
}

void ConnectionPlaces::ended() {
  std::lock_guard lock(mutex_);
  open_.fetch_sub(1, kRelaxed);
  serve();
}

// Who waits may belong to another worker: only that one may resume it.
void ConnectionPlaces::serve() {
  while (waits_.linked()) {
    Wait& wait = *static_cast<Wait::Linked*>(waits_.next())->wait;
    if (open() >= wait.limits.max_connections) return;
    wait.link.unlink();
    waiting_.fetch_sub(1, kRelaxed);
    wait.result = make();
    wait.loop.post([&wait] { wait.complete(); });
  }
}

ConnectionPlaces::Place ConnectionPlaces::make() {
  used_.store(true, kRelaxed);
  open_.fetch_add(1, kRelaxed);
  return {this, [self = shared_from_this()](const void*) { self->ended(); }};
}

}  // namespace weir

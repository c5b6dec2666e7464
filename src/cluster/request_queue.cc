#include "cluster/request_queue.h"

#include <algorithm>
#include <limits>

namespace weir {

bool RequestQueue::Wait::suits(const EndpointSet& set, std::uint32_t index) const {
  return std::ranges::find(tried_, set.endpoints[index].get()) == tried_.end() &&
         set.has(subset_, index);
}

void RequestQueue::use(std::shared_ptr<const EndpointSet> set, std::uint32_t max_requests) {
  {
    std::lock_guard lock(mutex_);
    set_ = std::move(set);
    max_requests_ = max_requests > 0 ? max_requests : std::numeric_limits<std::uint32_t>::max();
  }
  look_again();
}

// Either this sees who waits, or who is about to wait sees that the epoch has changed.
void RequestQueue::ended(Endpoint& endpoint) {
  endpoint.in_flight.fetch_sub(1, std::memory_order_seq_cst);
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  if (waiting() == 0) return;
  std::lock_guard lock(mutex_);
  auto found = std::ranges::find(set_->endpoints, &endpoint, &std::shared_ptr<Endpoint>::get);
  if (found == set_->endpoints.end()) return;
  serve(static_cast<std::uint32_t>(found - set_->endpoints.begin()));
}

void RequestQueue::look_again() {
  epoch_.fetch_add(1, std::memory_order_seq_cst);
  if (waiting() == 0) return;
  std::lock_guard lock(mutex_);
  serve_all();
}

bool RequestQueue::start(Wait& wait) {
  std::lock_guard lock(mutex_);
  if (waiting_.load(std::memory_order_relaxed) >= wait.most_) {
    wait.result = fail(ErrorCode::queue_full, Origin::weir, "too many requests wait");
    return true;
  }
  wait.place_.wait = &wait;
  places_.append(wait.place_);
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  wait.pend(*this);
  if (epoch() != wait.epoch_) serve_all();
  return false;
}

// Ends early only what has no endpoint yet; else the post that completes it is on its way.
void RequestQueue::cancel(Operation& operation, const Error& why) {
  auto& wait = static_cast<Wait&>(operation);
  std::lock_guard lock(mutex_);
  if (!wait.place_.linked()) return;
  wait.place_.unlink();
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
  wait.result = fail(why);
  wait.loop_.complete_soon(wait);
}

void RequestQueue::serve_all() {
  for (std::uint32_t index = 0; index < set_->endpoints.size() && waiting() > 0; ++index) {
    while (serve(index)) {
    }
  }
}

// Gives a place on the endpoint to the first who can use it, if there is one and somebody is.
bool RequestQueue::serve(std::uint32_t index) {
  const std::shared_ptr<Endpoint>& endpoint = set_->endpoints[index];
  if (!endpoint->available() && (endpoint->barred() || !set_->panicking())) return false;
  for (Link* link = places_.next(); link != &places_; link = link->next()) {
    Wait& wait = *static_cast<Wait::Place*>(link)->wait;
    if (!wait.suits(*set_, index)) continue;
    if (!endpoint->try_begin(max_requests_)) return false;
    grant(wait, endpoint);
    return true;
  }
  return false;
}

// It may belong to another worker: only that one may resume it.
void RequestQueue::grant(Wait& wait, std::shared_ptr<Endpoint> endpoint) {
  wait.place_.unlink();
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
  wait.result = std::move(endpoint);
  wait.loop_.post([&wait] { wait.complete(); });
}

}  // namespace weir

#include "cluster/endpoint.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir {
bool SharedConnections::put(const SharedConnection& connection) {
  std::lock_guard lock(mutex_);
  if (connections_.size() >= kLimit) return false;
  connections_.push_back(connection);
  count_.store(connections_.size(), std::memory_order_relaxed);
  return true;
}

std::optional<SharedConnection> SharedConnections::take() {
  if (empty()) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (connections_.empty()) return std::nullopt;
  SharedConnection connection = std::move(connections_.back());
  connections_.pop_back();
  count_.store(connections_.size(), std::memory_order_relaxed);
  return connection;
}

std::vector<SharedConnection> SharedConnections::take_older(TimePoint time) {
  std::vector<SharedConnection> old;
  if (empty()) return old;
  std::lock_guard lock(mutex_);
  auto kept = std::partition(connections_.begin(), connections_.end(),
                             [time](const SharedConnection& c) { return c.idle_since >= time; });
  old.assign(std::make_move_iterator(kept), std::make_move_iterator(connections_.end()));
  connections_.erase(kept, connections_.end());
  count_.store(connections_.size(), std::memory_order_relaxed);
  return old;
}

void Endpoint::keep(const std::shared_ptr<Endpoint>& self,
                    const std::shared_ptr<Cluster>& cluster) {
  std::lock_guard lock(mutex_);
  if (keeps_++ == 0) kept_ = {self, cluster};
}

void Endpoint::let_go() {
  Kept last;  // destroys this endpoint, perhaps, when the lock is given back
  std::lock_guard lock(mutex_);
  if (--keeps_ == 0) last = std::exchange(kept_, {});
}

std::optional<Address> Endpoint::other() const {
  std::lock_guard lock(mutex_);
  return other_;
}

void Endpoint::set_other(std::optional<Address> address) {
  std::lock_guard lock(mutex_);
  other_ = std::move(address);
}

bool Endpoint::set_away(Away why, bool away) {
  auto bit = static_cast<std::uint8_t>(why);
  std::uint8_t before =
      away ? away_.fetch_or(bit, std::memory_order_relaxed)
           : away_.fetch_and(static_cast<std::uint8_t>(~bit), std::memory_order_relaxed);
  std::uint8_t after = away ? before | bit : before & ~bit;
  return (before == 0) != (after == 0) || ((before ^ after) & kBarred) != 0;
}

bool Endpoint::try_begin(std::uint32_t most) {
  std::uint32_t now = in_flight.load(std::memory_order_relaxed);
  while (now < most) {
    if (in_flight.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
  }
  return false;
}

double Endpoint::warmth(TimePoint now, Duration slow_start) const {
  constexpr double kLeast = 0.1;
  std::int64_t since = since_.load(std::memory_order_relaxed);
  if (since == kNeverNew) return 1;
  if (since == kNew) return kLeast;
  auto age = static_cast<double>(now.time_since_epoch().count() - since);
  double grown = age / static_cast<double>(slow_start.count());
  return std::clamp(kLeast + (1 - kLeast) * grown, kLeast, 1.0);
}

std::int64_t Endpoint::begin_slow_start(TimePoint now, Duration slow_start) {
  std::int64_t since = kNew;
  std::int64_t begins = now.time_since_epoch().count();
  if (since_.compare_exchange_strong(since, begins, std::memory_order_relaxed)) since = begins;
  return since == kNeverNew ? since : since + slow_start.count();
}

}  // namespace weir

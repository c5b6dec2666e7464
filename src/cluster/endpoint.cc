#include "cluster/endpoint.h"

#include <algorithm>
#include <numeric>

namespace weir {
namespace {
constexpr std::uint64_t kMaxRotation = 4096;
}

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
  SharedConnection connection = connections_.back();
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
  old.assign(kept, connections_.end());
  connections_.erase(kept, connections_.end());
  count_.store(connections_.size(), std::memory_order_relaxed);
  return old;
}

// Smooth weighted round robin: each step every endpoint gains its weight, the richest is chosen
// and pays the total. Weights are reduced first, so that the period stays short.
void EndpointSet::make_rotation() {
  rotation.clear();
  std::size_t count = endpoints.size();
  if (count == 0) return;
  std::uint64_t divisor = 0;
  for (std::uint32_t weight : weights) divisor = std::gcd(divisor, std::uint64_t{weight});
  std::vector<std::int64_t> share(count);
  std::int64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    share[i] = static_cast<std::int64_t>(weights[i] / std::max<std::uint64_t>(divisor, 1));
    total += share[i];
  }
  if (static_cast<std::uint64_t>(total) == count || total == 0) {
    rotation.resize(count);
    std::iota(rotation.begin(), rotation.end(), 0);
    return;
  }
  std::vector<std::int64_t> credit(count, 0);
  std::uint64_t period = std::min<std::uint64_t>(static_cast<std::uint64_t>(total),
                                                 std::max<std::uint64_t>(kMaxRotation, count));
  for (std::uint64_t step = 0; step < period; ++step) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < count; ++i) {
      credit[i] += share[i];
      if (credit[i] > credit[best]) best = i;
    }
    credit[best] -= total;
    rotation.push_back(static_cast<std::uint32_t>(best));
  }
}

}  // namespace weir

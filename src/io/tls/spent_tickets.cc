#include "io/tls/spent_tickets.h"

#include <algorithm>
#include <utility>

namespace weir {

bool SpentTickets::spend(const Digest& ticket, std::int64_t now) {
  Shard& shard = shards_[ticket[0] % kShards];
  std::lock_guard lock(shard.mutex);
  if (now + kMostBackwards < shard.newest) return false;
  std::int64_t windows = std::max(now, shard.newest) / kWindow - shard.newest / kWindow;
  shard.newest = std::max(now, shard.newest);
  if (windows > 0) {
    shard.before = windows == 1 ? std::move(shard.current) : Set();
    shard.current = Set();
  }
  if (shard.before.contains(ticket) || shard.current.size() >= kMostPerShard) return false;
  return shard.current.insert(ticket).second;
}

SpentTickets& SpentTickets::of_process() {
  static SpentTickets all;
  return all;
}

}  // namespace weir

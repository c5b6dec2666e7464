#include "server/connection_limits.h"

namespace weir {
namespace {

// One subscriber has a whole /64.
IpAddress counted_as(const IpAddress& client) {
  IpAddress key = client;
  if (!key.v4) {
    for (std::size_t i = 8; i < key.bytes.size(); ++i) key.bytes[i] = 0;
  }
  return key;
}

bool take_one(std::atomic<std::uint64_t>& count, std::uint64_t limit) {
  std::uint64_t before = count.fetch_add(1, std::memory_order_relaxed);
  if (limit == 0 || before < limit) return true;
  count.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

void ConnectionLimits::set(std::uint64_t process, std::uint64_t listener,
                           std::uint64_t per_client) {
  process_limit_ = process;
  listener_limit_ = listener;
  client_limit_ = per_client;
}

bool ConnectionLimits::admit(const IpAddress& client) {
  return admit_proxied() && name_proxied(client);
}

bool ConnectionLimits::admit_proxied() {
  if (!take_one(process_, process_limit_.load(std::memory_order_relaxed))) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  if (take_one(listener_, listener_limit_.load(std::memory_order_relaxed))) return true;
  process_.fetch_sub(1, std::memory_order_relaxed);
  refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool ConnectionLimits::name_proxied(const IpAddress& client) {
  if (admit_client(client)) return true;
  leave_proxied();
  refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void ConnectionLimits::leave_proxied() {
  process_.fetch_sub(1, std::memory_order_relaxed);
  listener_.fetch_sub(1, std::memory_order_relaxed);
}

// Clients are counted whether or not there is a limit now: a reload may bring one.
bool ConnectionLimits::admit_client(const IpAddress& client) {
  std::uint64_t limit = client_limit_.load(std::memory_order_relaxed);
  IpAddress key = counted_as(client);
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  std::uint32_t& count = shard.clients[key];
  if (limit != 0 && count >= limit) return false;
  ++count;
  return true;
}

void ConnectionLimits::leave(const IpAddress& client) {
  leave_proxied();
  IpAddress key = counted_as(client);
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  auto found = shard.clients.find(key);
  if (found != shard.clients.end() && --found->second == 0) shard.clients.erase(found);
}

ConnectionLimits::Shard& ConnectionLimits::shard_of(const IpAddress& client) {
  std::uint32_t hash = 2166136261u;
  for (std::uint8_t byte : client.bytes) hash = (hash ^ byte) * 16777619u;
  return shards_[(hash >> 16) % shards_.size()];
}

}  // namespace weir

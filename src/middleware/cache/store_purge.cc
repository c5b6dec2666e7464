// What leaves a store: for want of room, or because somebody says so.
#include <algorithm>

#include "middleware/cache/store.h"
#include "middleware/cache/store_shard.h"

namespace weir::cache {

// --- making room ---------------------------------------------------------------------------------

std::optional<Charge> Store::charge(std::uint64_t bytes) {
  if (bytes > budget_->limit()) return std::nullopt;
  unsigned idle = 0;
  while (!budget_->take(bytes)) {
    // Once around without anything that could go: all of it is in use.
    idle = evict_one() ? 0 : idle + 1;
    if (idle > kShards) return std::nullopt;
  }
  return Charge(budget_, bytes);
}

// From one shard after the other: they have about the same. What clients read just now frees
// nothing by going.
bool Store::evict_one() {
  Shard& shard = *shards_[next_victim_.fetch_add(1, std::memory_order_relaxed) % kShards];
  Garbage garbage;
  std::lock_guard lock(shard.mutex);
  Place* victim = shard.queue.pick(
      [](const Place& place) { return place.object->weak_from_this().use_count() > 1; });
  if (victim == nullptr) return false;
  Resource& resource = *victim->resource;
  auto found = std::ranges::find(resource.stored, victim->object, &ObjectRef::get);
  remove(shard, resource, static_cast<std::size_t>(found - resource.stored.begin()), garbage);
  ++shard.evicted;
  tidy(shard, resource);
  return true;
}

// --- purging -------------------------------------------------------------------------------------

template <class Wanted>
std::size_t Store::purge(Shard& shard, Resource& resource, Purge how, Wanted wanted,
                         Garbage& garbage) {
  std::size_t count = 0;
  for (const ObjectRef& fill : resource.filling) {
    if (fill->phase() != Phase::pending && !wanted(*fill)) continue;
    fill->doomed = true;
    fill->joinable = false;
  }
  for (std::size_t i = resource.stored.size(); i-- > 0;) {
    Object& object = *resource.stored[i];
    if (object.phase() == Phase::pass || !wanted(object)) continue;
    // The disk has counted it.
    bool counted = object.disk && object.disk->purged.load(std::memory_order_relaxed);
    if (!counted) ++count;
    if (how == Purge::soft) {
      object.purged = true;
    } else {
      remove(shard, resource, i, garbage);
    }
  }
  return count;
}

// What is read from the disk meanwhile is not kept by memory (`adopt`), so the disk comes first.
std::size_t Store::purge_url(std::string_view url, Purge how) {
  std::shared_ptr<Disk> disk = this->disk();
  std::size_t count = disk ? disk->purge_url(url) : 0;
  count += purge_slices(url, how);
  return count + purge_key(url, how);
}

std::size_t Store::purge_key(std::string_view key, Purge how) {
  std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  Garbage garbage;
  std::lock_guard lock(shard.mutex);
  Resource* resource = find(shard, key, hash);
  if (resource == nullptr) return 0;
  std::size_t count = purge(shard, *resource, how, [](const Object&) { return true; }, garbage);
  tidy(shard, *resource);
  return count;
}

std::size_t Store::purge_slices(std::string_view url, Purge how) {
  std::size_t count = 0;
  for (const std::string& key : slices_.of(url)) count += purge_key(key, how);
  return count;
}

void Store::drop_slices(std::string_view url, std::string_view except) {
  if (std::shared_ptr<Disk> disk = this->disk()) disk->purge_slices(url);
  for (const std::string& key : slices_.of(url)) {
    if (key != except) purge_key(key, Purge::hard);
  }
}

// Walks through everything, one shard at a time.
template <class Wanted>
std::size_t Store::purge_all(Purge how, Wanted wanted) {
  std::size_t count = 0;
  for (auto& shard : shards_) {
    Garbage garbage;
    std::lock_guard lock(shard->mutex);
    std::vector<Resource*> empty;
    for (auto& [url, resource] : shard->resources) {
      count += purge(
          *shard, *resource, how,
          [&, key = url](const Object& object) { return wanted(key, object); }, garbage);
      if (resource->stored.empty() && resource->filling.empty()) empty.push_back(resource.get());
    }
    for (Resource* each : empty) tidy(*shard, *each);
  }
  return count;
}

std::size_t Store::purge_prefix(std::string_view prefix, Purge how) {
  std::shared_ptr<Disk> disk = this->disk();
  std::size_t on_disk = disk ? disk->purge_prefix(prefix) : 0;
  sweep();
  return on_disk + purge_all(how, [prefix](std::string_view url, const Object&) {
           return url.starts_with(prefix);
         });
}

std::size_t Store::purge_tag(std::string_view tag, Purge how) {
  if (tag.empty() || tag.find(' ') != std::string_view::npos) return 0;
  std::shared_ptr<Disk> disk = this->disk();
  std::size_t on_disk = disk ? disk->purge_tag(tag) : 0;
  sweep();
  return on_disk + purge_all(how, [tag](std::string_view, const Object& object) {
           return has_tag(object.facts().tags, tag);
         });
}

void Store::sweep() {
  if (std::shared_ptr<Disk> disk = this->disk()) disk->sweep();
}

StoreTotals Store::totals() const {
  StoreTotals totals;
  totals.name = name_;
  totals.bytes = budget_->used();
  totals.limit = budget_->limit();
  if (std::shared_ptr<Disk> disk = this->disk()) totals.disk = disk->totals();
  for (const auto& shard : shards_) {
    std::lock_guard lock(shard->mutex);
    totals.objects += shard->objects;
    totals.evicted += shard->evicted;
    totals.stored += shard->stored;
  }
  return totals;
}

}  // namespace weir::cache

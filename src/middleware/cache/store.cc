#include "middleware/cache/store.h"

#include <algorithm>

#include "core/hash.h"
#include "middleware/cache/disk_transfer.h"
#include "middleware/cache/fill_request.h"
#include "middleware/cache/store_shard.h"

namespace weir::cache {

namespace {

constexpr std::uint64_t kFillCost = Store::kObjectCost + sizeof(FillRequest);
constexpr std::uint64_t kPassCost = sizeof(Object) + 128;

}  // namespace

Store::Store(std::string name) : name_(std::move(name)), budget_(std::make_shared<Budget>(0)) {
  for (auto& shard : shards_) shard = std::make_unique<Shard>(seed_);
}

Store::~Store() = default;

std::uint64_t Store::hash_of(std::string_view url) const { return UrlHash{&seed_}(url); }

Store::Shard& Store::shard_of(std::uint64_t hash) { return *shards_[hash >> (64 - kShardBits)]; }

void Store::season(Random& random) {
  std::lock_guard lock(mutex_);
  if (std::exchange(seasoned_, true)) return;
  seed_.store(random.next(), std::memory_order_relaxed);
}

// --- looking up ----------------------------------------------------------------------------------

Found Store::look(const Query& query) {
  std::uint64_t hash = hash_of(query.url);
  Shard& shard = shard_of(hash);
  Found found;
  {
    std::lock_guard lock(shard.mutex);
    found = look(shard, hash, query, nullptr);
  }
  if (query.loads) look_on_disk(query, found);
  bool begins = found.kind == Found::Kind::lead;
  if (!begins) return found;
  // Room is made without the lock; meanwhile somebody else may have begun.
  std::optional<Charge> charge =
      this->charge(kFillCost + query.url.size() + query.extras.size() + query.request.wire_size());
  if (!charge) {
    found.kind = Found::Kind::pass;
    return found;
  }
  std::lock_guard lock(shard.mutex);
  return look(shard, hash, query, &*charge);
}

// Where memory has nothing. What is small enough goes through memory, where it is judged; what is
// not and cannot be used as it is goes: something newer is going to be asked for.
void Store::look_on_disk(const Query& query, Found& found) {
  bool asks = found.kind == Found::Kind::lead || found.kind == Found::Kind::pass ||
              found.kind == Found::Kind::missing;
  if (!asks || found.object) return;
  std::shared_ptr<Disk> disk = this->disk();
  if (!disk) return;
  DiskEntryRef entry = disk->find(query.url, query.extras, query.request);
  if (!entry) return;
  const DiskFacts& facts = entry->facts;
  std::int64_t age = facts.verdict.initial_age + std::max<std::int64_t>(query.wall - facts.born, 0);
  bool fresh = facts.verdict.fresh(age) && query.wall >= facts.born;
  if (facts.length <= *query.loads) {
    found.kind = Found::Kind::load;
  } else if (fresh && satisfies(query.wants, facts.verdict, age)) {
    found.kind = Found::Kind::disk;
  } else {
    if (found.kind == Found::Kind::lead) disk->remove(*entry);
    return;
  }
  found.entry = std::move(entry);
}

// What is stale and was no success is not kept for: what is there by now may be large.
bool Store::holds(const Query& query) {
  std::uint64_t hash = hash_of(query.url);
  Shard& shard = shard_of(hash);
  {
    std::lock_guard lock(shard.mutex);
    if (Resource* resource = find(shard, query.url, hash)) {
      for (const ObjectRef& fill : resource->filling) {
        if (fill->extras() == query.extras) return true;
      }
      bool varies = false;
      ObjectRef best = best_of(*resource, query, varies);
      if (best && best->phase() == Phase::pass) return true;
      if (best && best->facts().head.status() == 200) return true;
      if (best && best->facts().verdict.fresh(best->age(query.now))) return true;
    }
  }
  std::shared_ptr<Disk> disk = this->disk();
  return disk && disk->find(query.url, query.extras, query.request) != nullptr;
}

// Without a charge, nothing is begun.
Found Store::look(Shard& shard, std::uint64_t hash, const Query& query, Charge* charge) {
  Found found;
  Resource* resource = find(shard, query.url, hash);
  if (resource != nullptr) {
    bool varies = false;
    ObjectRef best = best_of(*resource, query, varies);
    if (varies) found.why = "vary-miss";
    if (best) {
      if (best->phase() == Phase::pass) {
        found.kind = Found::Kind::pass;
        return found;
      }
      if (judge(best, query, found)) return found;
      if (query.now < best->retry_at && found.kind != Found::Kind::stale) {
        found.kind = Found::Kind::pass;
        return found;
      }
    }
    bool exclusive = best && best->facts().verdict.revalidate_always;
    if (!exclusive) {
      if (ObjectRef fill = joinable(*resource, query)) {
        if (found.kind == Found::Kind::stale) return found;  // it is being renewed already
        if (query.may_join) {
          found.kind = Found::Kind::join;
          found.fill = std::move(fill);
        }
        return found;
      }
    }
    if (resource->filling.size() >= kMostFills) {
      if (found.kind != Found::Kind::stale) found.kind = Found::Kind::pass;
      return found;
    }
  }
  if (!query.may_fill) return found;
  if (found.kind == Found::Kind::stale) {
    // One more look-up of the budget without the lock is not worth it: what is being renewed is
    // small, and the charge was taken for what it replaces.
    std::uint64_t cost = kFillCost + query.url.size() + query.extras.size();
    if (!budget_->take(cost)) return found;
    Charge own(budget_, cost);
    begin(shard, hash, query, own, true, found);
    return found;
  }
  found.kind = Found::Kind::lead;
  bool exclusive = found.object && found.object->facts().verdict.revalidate_always;
  if (charge != nullptr) begin(shard, hash, query, *charge, !exclusive, found);
  return found;
}

// True if `object` is what the client gets, and nothing has to be asked for.
bool Store::judge(const ObjectRef& object, const Query& query, Found& found) const {
  const Verdict& verdict = object->facts().verdict;
  std::int64_t age = object->age(query.now);
  found.object = object;
  if (!object->purged && verdict.fresh(age)) {
    if (satisfies(query.wants, verdict, age)) {
      object->place.use();
      found.kind = Found::Kind::hit;
      return true;
    }
    found.why = "request";
    return false;
  }
  found.why = "stale";
  if (verdict.revalidate_always || query.wants.no_cache || query.wants.max_age) return false;
  bool waits = query.now < object->retry_at;
  std::int64_t allowed = waits ? std::max(verdict.stale_if_error, verdict.stale_while_revalidate)
                               : verdict.stale_while_revalidate;
  // What was purged softly has been stale from then on; how long it was fresh counts for nothing.
  if (allowed == 0 || !verdict.may_be_stale(age, allowed)) return false;
  object->place.use();
  found.kind = Found::Kind::stale;
  return waits;
}

void Store::begin(Shard& shard, std::uint64_t hash, const Query& query, Charge& charge,
                  bool joinable, Found& found) {
  Resource& resource = make(shard, query.url, hash);
  auto fill = std::make_shared<Object>(std::string(query.extras), std::move(charge));
  fill->request = std::make_unique<FillRequest>(query.request);
  fill->joinable = joinable;
  resource.filling.push_back(fill);
  found.fill = std::move(fill);
}

Resource* Store::find(Shard& shard, std::string_view url, std::uint64_t hash) {
  auto found = shard.resources.find(url, hash);
  return found == shard.resources.end() ? nullptr : found->second.get();
}

Resource& Store::make(Shard& shard, std::string_view url, std::uint64_t hash) {
  if (Resource* known = find(shard, url, hash)) return *known;
  auto resource = std::make_unique<Resource>();
  resource->url = url;
  if (is_slice(url)) slices_.add(url);
  std::string_view key = resource->url;
  return *shard.resources.emplace(key, std::move(resource)).first->second;
}

// The latest that is an answer to the request (RFC 9111, 4.1). A word that nobody is to wait counts
// as long as there is none.
ObjectRef Store::best_of(Resource& resource, const Query& query, bool& varies) {
  ObjectRef pass;
  for (auto it = resource.stored.rbegin(); it != resource.stored.rend(); ++it) {
    const ObjectRef& object = *it;
    if (object->extras() != query.extras) continue;
    if (object->phase() == Phase::pass) {
      if (query.now < object->pass_until) pass = object;
      continue;
    }
    if (object->facts().selector.matches(query.request)) return object;
    varies = true;
  }
  return pass;
}

// A fill whose answer will do for the request, as far as is known. What Vary will say is taken from
// what it said before.
ObjectRef Store::joinable(const Resource& resource, const Query& query) {
  const Object* known = nullptr;
  for (const ObjectRef& each : resource.stored) {
    if (each->phase() == Phase::complete) known = each.get();
  }
  for (const ObjectRef& each : resource.filling) {
    if (each->phase() == Phase::open) known = each.get();
  }
  for (const ObjectRef& fill : resource.filling) {
    if (!fill->joinable || fill->extras() != query.extras) continue;
    Phase phase = fill->phase();
    bool suits = false;
    if (phase == Phase::pending) {
      suits =
          known == nullptr || known->facts().selector.same(fill->request->headers, query.request);
    } else if (phase == Phase::open || phase == Phase::complete) {
      suits = fill->facts().selector.matches(query.request);
    }
    if (suits) return fill;
  }
  return nullptr;
}

// --- keeping -------------------------------------------------------------------------------------

void Store::insert(Shard& shard, Resource& resource, std::uint64_t hash, const ObjectRef& object,
                   Garbage& garbage) {
  bool pass = object->phase() == Phase::pass;
  for (std::size_t i = resource.stored.size(); i-- > 0;) {
    const ObjectRef& other = resource.stored[i];
    if (other->extras() != object->extras()) continue;
    bool replaced = other->phase() == Phase::pass;
    if (!replaced && !pass && object->request) {
      replaced = other->facts().selector.matches(object->request->headers);
    }
    if (replaced) remove(shard, resource, i, garbage);
  }
  if (resource.stored.size() >= kMostVariants) remove(shard, resource, 0, garbage);
  object->place.resource = &resource;
  object->place.hash = mix(hash ^ stable_hash(object->extras()));
  object->place.weight = object->cost();
  shard.queue.insert(object->place);
  resource.stored.push_back(object);
  ++shard.objects;
  if (!pass) ++shard.stored;
}

void Store::remove(Shard& shard, Resource& resource, std::size_t index, Garbage& garbage) {
  shard.queue.remove(resource.stored[index]->place);
  garbage.push_back(std::move(resource.stored[index]));
  resource.stored.erase(resource.stored.begin() + static_cast<std::ptrdiff_t>(index));
  --shard.objects;
}

void Store::remove_fill(Resource& resource, const ObjectRef& fill) {
  std::erase(resource.filling, fill);
}

void Store::tidy(Shard& shard, Resource& resource) {
  if (!resource.stored.empty() || !resource.filling.empty()) return;
  std::string url = resource.url;  // the key is a view of what goes
  if (is_slice(url)) slices_.remove(url);
  shard.resources.erase(url);
}

// The disk comes first: what it had of this goes, and a purge that is under way finds its place.
void Store::settle(std::string_view url, const ObjectRef& fill, Loop& loop) {
  std::shared_ptr<Disk> disk = this->disk();
  bool written = disk && fill->phase() == Phase::complete && fill->kept() && !fill->disk;
  DiskRecord record;
  if (written) record = disk_record(url, *fill, fill->size(), loop);
  std::uint64_t head = written ? encode(record).size() : 0;
  std::uint64_t hash = hash_of(url);
  Shard& shard = shard_of(hash);
  Garbage garbage;
  std::unique_ptr<FillRequest> request;
  std::lock_guard lock(shard.mutex);
  Resource* resource = find(shard, url, hash);
  if (resource == nullptr) return;
  remove_fill(*resource, fill);
  bool kept = fill->phase() == Phase::complete && fill->kept() && !fill->doomed;
  if (kept && written) {
    fill->disk = disk->reserve(std::move(record), head, fill->request->headers, loop.now());
  }
  if (kept) insert(shard, *resource, hash, fill, garbage);
  request = std::move(fill->request);
  tidy(shard, *resource);
}

bool Store::adopt(std::string_view url, const ObjectRef& object, Disk& disk) {
  std::uint64_t hash = hash_of(url);
  Shard& shard = shard_of(hash);
  Garbage garbage;
  std::lock_guard lock(shard.mutex);
  // Whoever removes it from the disk looks here afterwards.
  if (!disk.has(*object->disk)) return false;
  insert(shard, make(shard, url, hash), hash, object, garbage);
  return true;
}

void Store::set_pass(std::string_view url, const ObjectRef& fill, TimePoint until) {
  std::optional<Charge> charge = this->charge(kPassCost + url.size() + fill->extras().size());
  std::uint64_t hash = hash_of(url);
  Shard& shard = shard_of(hash);
  Garbage garbage;
  std::lock_guard lock(shard.mutex);
  Resource* resource = find(shard, url, hash);
  if (resource == nullptr) return;
  remove_fill(*resource, fill);
  if (charge) {
    auto mark = std::make_shared<Object>(fill->extras(), std::move(*charge));
    mark->pass_until = until;
    mark->set_pass();
    insert(shard, *resource, hash, mark, garbage);
  }
  tidy(shard, *resource);
}

void Store::postpone(std::string_view url, const ObjectRef& object, TimePoint until) {
  std::lock_guard lock(shard_of(hash_of(url)).mutex);
  object->retry_at = until;
}

void Store::drop(std::string_view url, const ObjectRef& object) {
  std::shared_ptr<Disk> disk = this->disk();
  if (disk && object->disk) disk->remove(*object->disk);
  std::uint64_t hash = hash_of(url);
  Shard& shard = shard_of(hash);
  Garbage garbage;
  std::lock_guard lock(shard.mutex);
  Resource* resource = find(shard, url, hash);
  if (resource == nullptr) return;
  auto found = std::ranges::find(resource->stored, object);
  if (found == resource->stored.end()) return;
  remove(shard, *resource, static_cast<std::size_t>(found - resource->stored.begin()), garbage);
  tidy(shard, *resource);
}

// Both places are locked, so that a purge, which looks at slices first, finds it in one of them.
void Store::turn_whole(std::string_view slice, std::string_view url, const ObjectRef& fill) {
  std::uint64_t from_hash = hash_of(slice);
  std::uint64_t to_hash = hash_of(url);
  Shard& from = shard_of(from_hash);
  Shard& to = shard_of(to_hash);
  std::unique_lock one(from.mutex, std::defer_lock);
  std::unique_lock other(to.mutex, std::defer_lock);
  if (&from == &to) {
    one.lock();
  } else {
    std::lock(one, other);
  }
  if (Resource* resource = find(from, slice, from_hash)) {
    remove_fill(*resource, fill);
    tidy(from, *resource);
  }
  make(to, url, to_hash).filling.push_back(fill);
}

void Store::close(std::string_view url, const ObjectRef& fill) {
  std::lock_guard lock(shard_of(hash_of(url)).mutex);
  fill->joinable = false;
}

}  // namespace weir::cache

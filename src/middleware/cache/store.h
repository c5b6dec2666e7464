// Store: the objects of one named cache, found by address, shared by all workers, over reloads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "middleware/cache/disk.h"
#include "middleware/cache/object.h"
#include "middleware/cache/slice_index.h"

namespace weir::cache {

using ObjectRef = std::shared_ptr<Object>;

/// What is asked for.
struct Query {
  std::string_view url;  // scheme, host, path and query
  std::string_view extras;
  const Headers& request;
  RequestDirectives wants;
  TimePoint now;
  bool may_fill = true;  // false: what is not there is not asked for
  bool may_join = true;  // false: nor is waited for, if another asked
  // Bytes of a body on the disk that is read into memory first; none: the disk is not asked.
  std::optional<std::uint64_t> loads = std::nullopt;
  std::int64_t wall = 0;  // seconds since 1970; where the disk is asked
};

/// What there is of it.
struct Found {
  enum class Kind : std::uint8_t {
    hit,      // `object`, fresh
    stale,    // `object` may be used as it is; `fill`, if there is one, is to be begun
    join,     // `fill` is under way
    lead,     // `fill` is to be begun
    pass,     // nobody waits for another here
    missing,  // not there, and not to be asked for
    load,     // `entry` is to be read into memory
    disk,     // `entry`, fresh, is given as it is read
  };
  Kind kind = Kind::missing;
  ObjectRef object;  // with join and lead: what has to be validated, or may be used if that fails
  ObjectRef fill;
  DiskEntryRef entry;
  std::string_view why = "uri-miss";  // RFC 9211, 2.2: why it is not a hit
};

/// How much is purged.
enum class Purge : std::uint8_t { hard, soft };  // soft: it stays, and is stale

/// For metrics.
struct StoreTotals {
  std::string name;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // of all that is alive, what clients still read included
  std::uint64_t limit = 0;
  std::uint64_t evicted = 0;
  std::uint64_t stored = 0;
  DiskTotals disk;  // all zero without one
};

/// Divided into shards, each with a mutex that is held for the time of a look-up or an insertion.
/// Never larger than its limit: what is too much has no place until something else is gone.
class Store {
 public:
  /// Responses to one address; the oldest goes for one more.
  static constexpr std::size_t kMostVariants = 64;
  /// Requests to the origin that are under way for one address; one more goes by itself.
  static constexpr std::size_t kMostFills = 64;
  /// Of the budget, for an object without what it holds.
  static constexpr std::uint64_t kObjectCost = sizeof(Object) + 256;

  explicit Store(std::string name);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  const std::string& name() const { return name_; }

  /// A disk, as the configuration has it.
  struct DiskPlan {
    std::shared_ptr<Disk> disk;
    DiskLimits limits;
  };

  /// The largest of the sizes that those who use the cache give it, and the last of the disks. Held
  /// by them.
  class Share {
   public:
    Share(std::shared_ptr<Store> store, std::uint64_t bytes, DiskPlan disk = {});
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    std::shared_ptr<Store> store_;
    std::multiset<std::uint64_t>::iterator place_;
    std::optional<std::list<DiskPlan>::iterator> disk_;
  };

  /// Takes the disk of the configuration in force into use, if there is one. Blocks.
  void open_disk();
  /// Null if there is none.
  std::shared_ptr<Disk> disk() const;
  bool has_disk() const { return has_disk_.load(std::memory_order_relaxed); }

  /// Before the first use by a worker: makes the addresses that share a place in the index
  /// unpredictable.
  void season(Random& random);

  Found look(const Query& query);
  /// Something of the whole address is stored or under way: it is not kept in slices.
  bool holds(const Query& query);

  /// `bytes` of the budget, making room if need be; none if there is no room to be made.
  std::optional<Charge> charge(std::uint64_t bytes);

  /// A fill has ended: it is kept if it is complete. A place on the disk is reserved for it.
  void settle(std::string_view url, const ObjectRef& fill, Loop& loop);
  /// What was read from `disk` is kept, unless something newer is there. True if it is.
  bool adopt(std::string_view url, const ObjectRef& object, Disk& disk);
  /// It is for one client only, or of no use: nobody waits for it, or for another before `until`.
  void set_pass(std::string_view url, const ObjectRef& fill, TimePoint until);
  /// The origin failed to renew `object`, which may be used meanwhile.
  void postpone(std::string_view url, const ObjectRef& object, TimePoint until);
  /// It cannot be validated, or is not what the origin has.
  void drop(std::string_view url, const ObjectRef& object);
  /// What came in answer to a request for a slice is of the whole address, and goes on as its fill.
  void turn_whole(std::string_view slice, std::string_view url, const ObjectRef& fill);
  /// All slices but `except` are of another version than what the origin has now. On the disk they
  /// wait for a sweep.
  void drop_slices(std::string_view url, std::string_view except);
  /// Others may not wait for the fill, from now on.
  void close(std::string_view url, const ObjectRef& fill);

  /// The counts are of objects. What is just being fetched is not kept afterwards. On the disk,
  /// what is purged softly goes as well. All but the first wait for the disk. Each slice of
  /// something large is an object, and goes with its address.
  std::size_t purge_url(std::string_view url, Purge how);
  std::size_t purge_prefix(std::string_view prefix, Purge how);
  std::size_t purge_tag(std::string_view tag, Purge how);

  /// Removes from the disk what `purge_url` has purged. Blocks.
  void sweep();

  StoreTotals totals() const;

 private:
  static constexpr unsigned kShardBits = 6;
  static constexpr std::size_t kShards = 1 << kShardBits;

  using Garbage = std::vector<ObjectRef>;
  struct Shard;

  std::uint64_t hash_of(std::string_view url) const;
  Shard& shard_of(std::uint64_t hash);

  Found look(Shard& shard, std::uint64_t hash, const Query& query, Charge* charge);
  void look_on_disk(const Query& query, Found& found);
  bool judge(const ObjectRef& object, const Query& query, Found& found) const;
  void begin(Shard& shard, std::uint64_t hash, const Query& query, Charge& charge, bool joinable,
             Found& found);
  static Resource* find(Shard& shard, std::string_view url, std::uint64_t hash);
  Resource& make(Shard& shard, std::string_view url, std::uint64_t hash);
  static ObjectRef best_of(Resource& resource, const Query& query, bool& varies);
  static ObjectRef joinable(const Resource& resource, const Query& query);
  static void insert(Shard& shard, Resource& resource, std::uint64_t hash, const ObjectRef& object,
                     Garbage& garbage);
  static void remove(Shard& shard, Resource& resource, std::size_t index, Garbage& garbage);
  static void remove_fill(Resource& resource, const ObjectRef& fill);
  void tidy(Shard& shard, Resource& resource);
  bool evict_one();
  template <class Wanted>
  std::size_t purge(Shard& shard, Resource& resource, Purge how, Wanted wanted, Garbage& garbage);
  template <class Wanted>
  std::size_t purge_all(Purge how, Wanted wanted);
  std::size_t purge_key(std::string_view key, Purge how);
  std::size_t purge_slices(std::string_view url, Purge how);

  const std::string name_;
  std::shared_ptr<Budget> budget_;
  std::atomic<std::uint64_t> seed_{0};
  std::array<std::unique_ptr<Shard>, kShards> shards_;
  SliceIndex slices_;
  std::atomic<unsigned> next_victim_{0};
  std::atomic<bool> has_disk_{false};
  mutable std::mutex mutex_;  // of all below
  std::list<DiskPlan> disks_;
  std::shared_ptr<Disk> disk_;
  std::multiset<std::uint64_t> sizes_;
  bool seasoned_ = false;
};

}  // namespace weir::cache

// DiskIndex: which files a disk cache has, how much they take, and which go first. No I/O.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/btree_map.h>

#include "middleware/cache/disk_record.h"
#include "middleware/cache/eviction.h"

namespace weir::cache {

class Disk;

/// One file. Shared by the index, by who writes or reads it, and by its copy in memory.
struct DiskEntry : Place {
  enum class State : std::uint8_t { writing, ready, gone };

  std::weak_ptr<Disk> owner;  // does not change, as the next two
  DiskFacts facts;
  std::uint64_t size = 0;           // bytes of the file
  std::atomic<int> readers{0};      // it is open
  std::atomic<bool> purged{false};  // as one that was ready
  State state = State::writing;     // under the mutex of the disk, as all that follows
  std::shared_ptr<Object> loading;  // it is being read into memory
};

using DiskEntryRef = std::shared_ptr<DiskEntry>;

struct DiskLimits {
  std::uint64_t bytes = 0;       // of all files
  std::uint64_t objects = 0;     // the files
  std::uint64_t max_object = 0;  // bytes of one body
};

/// What is asked to go before it is known which files there are.
class Forgotten {
 public:
  static constexpr std::size_t kMost = 65536;  // beyond, everything goes

  void add_url(std::string_view url) { add(urls_, url); }
  void add_prefix(std::string_view prefix) { add(prefixes_, prefix); }
  void add_tag(std::string_view tag) { add(tags_, tag); }
  bool holds(const DiskFacts& facts) const;

 private:
  void add(std::set<std::string, std::less<>>& to, std::string_view text);

  std::set<std::string, std::less<>> urls_;
  std::set<std::string, std::less<>> prefixes_;
  std::set<std::string, std::less<>> tags_;
  bool all_ = false;
};

/// A file that is to be removed.
struct DiskTrash {
  std::uint64_t id = 0;
  std::uint64_t size = 0;
};

/// Not thread safe. Bytes count from before a file is written until after it is removed.
class DiskIndex {
 public:
  /// For metrics.
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t objects() const { return objects_; }
  std::uint64_t evicted() const { return evicted_; }

  /// Makes room, as far as there is any that could go. False: it does not fit.
  bool reserve(const DiskLimits& limits, std::uint64_t size);
  /// Removes what is above the limits.
  void trim(const DiskLimits& limits) { (void)reserve(limits, 0); }
  /// Its bytes count from now on. One that is ready may be evicted.
  void add(const DiskEntryRef& entry);
  /// It has been written. False if it is gone meanwhile: its file is to be removed.
  bool commit(DiskEntry& entry);
  /// It was not written; nothing of it is left.
  void abandon(DiskEntry& entry);
  void remove(DiskEntry& entry);
  /// Its file has been removed.
  void removed(const DiskTrash& file);

  /// The latest that answers the request; null if there is none.
  DiskEntryRef find(std::string_view url, std::string_view extras, const Headers& request) const;
  /// Removes what answers the request: something newer is there.
  void replace(std::string_view url, std::string_view extras, const Headers& request);

  /// The numbers are of files that were ready. What is kept in slices goes with all of them.
  std::size_t purge_url(std::string_view url);
  std::size_t purge_slices(std::string_view url);
  /// From `from` on, at most `most` addresses; `from` becomes where to go on, or empty.
  template <class Wanted>
  std::size_t purge_some(std::string& from, std::size_t most, Wanted wanted);

  /// What has to be removed from the disk; it is the caller's task from now on.
  std::vector<DiskTrash> take_trash() { return std::exchange(trash_, {}); }
  bool has_trash() const { return !trash_.empty(); }

 private:
  using Entries = std::vector<DiskEntryRef>;  // the latest last

  bool remove_from(Entries& entries, DiskEntry& entry);
  template <class Wanted>
  std::size_t purge(Entries& entries, Wanted wanted);

  absl::btree_map<std::string, Entries, std::less<>> urls_;
  EvictionQueue queue_;
  std::vector<DiskTrash> trash_;
  std::uint64_t trash_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t objects_ = 0;
  std::uint64_t evicted_ = 0;
};

bool has_tag(std::string_view tags, std::string_view tag);

template <class Wanted>
std::size_t DiskIndex::purge(Entries& entries, Wanted wanted) {
  std::size_t count = 0;
  for (std::size_t i = entries.size(); i-- > 0;) {
    DiskEntryRef entry = entries[i];
    if (!wanted(*entry)) continue;
    if (entry->state == DiskEntry::State::ready) {
      entry->purged.store(true, std::memory_order_relaxed);
      ++count;
    }
    remove_from(entries, *entry);
  }
  return count;
}

template <class Wanted>
std::size_t DiskIndex::purge_some(std::string& from, std::size_t most, Wanted wanted) {
  std::size_t count = 0;
  auto at = urls_.lower_bound(from);
  for (; at != urls_.end() && most > 0; --most) {
    count += purge(at->second, wanted);
    at = at->second.empty() ? urls_.erase(at) : std::next(at);
  }
  from = at == urls_.end() ? std::string() : at->first;
  return count;
}

}  // namespace weir::cache

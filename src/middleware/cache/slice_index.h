// SliceIndex: which slices there are of an address, so that all of them are found at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "middleware/cache/slice_key.h"

namespace weir::cache {

/// Keys of slices that a store knows, in order; the slices themselves lie in its shards, whichever
/// they fall to. Any thread; the mutex may be taken inside of a shard's.
class SliceIndex {
 public:
  void add(std::string_view key) {
    std::lock_guard lock(mutex_);
    keys_.emplace(key);
    any_.store(true, std::memory_order_relaxed);
  }
  void remove(std::string_view key) {
    std::lock_guard lock(mutex_);
    if (auto found = keys_.find(key); found != keys_.end()) keys_.erase(found);
    any_.store(!keys_.empty(), std::memory_order_relaxed);
  }
  std::vector<std::string> of(std::string_view url) const {
    std::vector<std::string> found;
    if (!any_.load(std::memory_order_relaxed)) return found;
    std::string prefix = slices_of(url);
    std::lock_guard lock(mutex_);
    for (auto at = keys_.lower_bound(prefix); at != keys_.end() && at->starts_with(prefix); ++at) {
      found.push_back(*at);
    }
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> keys_;
  std::atomic<bool> any_{false};
};

}  // namespace weir::cache

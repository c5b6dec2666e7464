// What a store is made of: shards, each with the addresses that fall to it.
#pragma once

#include <absl/container/flat_hash_map.h>

#include "core/hash.h"
#include "middleware/cache/store.h"

namespace weir::cache {

/// What is known of one address, or of one slice of it.
struct Resource {
  std::string url;
  std::vector<ObjectRef> stored;   // the latest last
  std::vector<ObjectRef> filling;  // by their fills, too
};

/// The addresses that an attacker finds to share a place in one process do not in another.
struct UrlHash {
  const std::atomic<std::uint64_t>* seed;
  std::size_t operator()(std::string_view url) const {
    return stable_hash(url, seed->load(std::memory_order_relaxed));
  }
};

struct alignas(64) Store::Shard {
  explicit Shard(const std::atomic<std::uint64_t>& seed) : resources(0, UrlHash{&seed}) {}
  mutable std::mutex mutex;
  // The keys are views of the resources.
  absl::flat_hash_map<std::string_view, std::unique_ptr<Resource>, UrlHash> resources;
  EvictionQueue queue;
  std::uint64_t objects = 0;
  std::uint64_t evicted = 0;
  std::uint64_t stored = 0;
};

}  // namespace weir::cache

#include "middleware/cache/eviction.h"

namespace weir::cache {

void EvictionQueue::insert(Place& place) {
  place.uses = 0;
  append(place, forget(place.hash));
}

void EvictionQueue::remove(Place& place) {
  if (!place.linked()) return;
  place.unlink();
  (place.main ? main_bytes_ : small_bytes_) -= place.weight;
}

void EvictionQueue::append(Place& place, bool main) {
  place.main = main;
  (main ? main_ : small_).append(place);
  (main ? main_bytes_ : small_bytes_) += place.weight;
}

void EvictionQueue::remember(std::uint64_t hash) {
  if (gone_.empty()) gone_.resize(kRemembered);
  gone_[hash % kRemembered] = hash;
}

bool EvictionQueue::forget(std::uint64_t hash) {
  if (gone_.empty() || gone_[hash % kRemembered] != hash || hash == 0) return false;
  gone_[hash % kRemembered] = 0;
  return true;
}

}  // namespace weir::cache

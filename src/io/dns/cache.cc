#include "io/dns/cache.h"

#include <algorithm>

namespace weir::dns {

const Answer* Cache::find(const Key& key, TimePoint now) const {
  auto found = answers_.find(key);
  if (found == answers_.end() || found->second.expires <= now) return nullptr;
  return &found->second;
}

bool Cache::put(Key key, Answer answer, TimePoint now) {
  bool evicted = false;
  if (answers_.size() >= limit_ && !answers_.contains(key)) {
    std::erase_if(answers_, [now](const auto& entry) { return entry.second.expires <= now; });
    if (answers_.size() >= limit_) {
      auto first = std::ranges::min_element(answers_, {},
                                            [](const auto& entry) { return entry.second.expires; });
      answers_.erase(first);
      evicted = true;
    }
  }
  answers_.insert_or_assign(std::move(key), std::move(answer));
  return evicted;
}

}  // namespace weir::dns

#include "middleware/cache/disk_index.h"

#include <algorithm>

#include "core/hash.h"
#include "middleware/cache/slice_key.h"

namespace weir::cache {

bool has_tag(std::string_view tags, std::string_view tag) {
  for (std::size_t at = tags.find(tag); at != std::string_view::npos; at = tags.find(tag, at + 1)) {
    // Each stands between spaces.
    bool begins = at > 0 && tags[at - 1] == ' ';
    std::size_t end = at + tag.size();
    if (begins && end < tags.size() && tags[end] == ' ') return true;
  }
  return false;
}

void Forgotten::add(std::set<std::string, std::less<>>& to, std::string_view text) {
  if (urls_.size() + prefixes_.size() + tags_.size() >= kMost) {
    all_ = true;
    return;
  }
  to.emplace(text);
}

bool Forgotten::holds(const DiskFacts& facts) const {
  if (all_ || urls_.contains(whole_url(facts.url))) return true;
  return std::ranges::any_of(prefixes_,
                             [&](const auto& prefix) { return facts.url.starts_with(prefix); }) ||
         std::ranges::any_of(tags_, [&](const auto& tag) { return has_tag(facts.tags, tag); });
}

bool DiskIndex::reserve(const DiskLimits& limits, std::uint64_t size) {
  std::uint64_t one = size > 0 ? 1 : 0;
  if (size > limits.bytes || one > limits.objects) return false;
  constexpr int kIdle = 4;  // looks at places that are all busy
  int idle = 0;
  while (bytes_ - trash_bytes_ > limits.bytes - size || objects_ > limits.objects - one) {
    Place* place = queue_.pick([](const Place& each) {
      return static_cast<const DiskEntry&>(each).readers.load(std::memory_order_relaxed) > 0;
    });
    if (place == nullptr) {
      if (++idle == kIdle) return false;
      continue;
    }
    idle = 0;
    ++evicted_;
    remove(static_cast<DiskEntry&>(*place));
  }
  return true;
}

void DiskIndex::add(const DiskEntryRef& entry) {
  entry->hash = mix(stable_hash(entry->facts.url) ^ stable_hash(entry->facts.extras));
  entry->weight = entry->size;
  bytes_ += entry->size;
  ++objects_;
  if (entry->state == DiskEntry::State::ready) queue_.insert(*entry);
  urls_[entry->facts.url].push_back(entry);
}

bool DiskIndex::commit(DiskEntry& entry) {
  if (entry.state != DiskEntry::State::writing) return false;
  entry.state = DiskEntry::State::ready;
  queue_.insert(entry);
  return true;
}

// What went while it was written still counts until here.
void DiskIndex::abandon(DiskEntry& entry) {
  if (entry.state == DiskEntry::State::writing) remove(entry);
  bytes_ -= entry.size;
}

void DiskIndex::remove(DiskEntry& entry) {
  auto found = urls_.find(entry.facts.url);
  if (found == urls_.end() || !remove_from(found->second, entry)) return;
  if (found->second.empty()) urls_.erase(found);
}

bool DiskIndex::remove_from(Entries& entries, DiskEntry& entry) {
  auto found = std::ranges::find(entries, &entry, &DiskEntryRef::get);
  if (found == entries.end()) return false;
  if (entry.state == DiskEntry::State::ready) {
    queue_.remove(entry);
    trash_.push_back({entry.facts.id, entry.size});
    trash_bytes_ += entry.size;
  }
  entry.state = DiskEntry::State::gone;
  --objects_;
  entries.erase(found);
  return true;
}

DiskEntryRef DiskIndex::find(std::string_view url, std::string_view extras,
                             const Headers& request) const {
  auto found = urls_.find(url);
  if (found == urls_.end()) return nullptr;
  for (auto it = found->second.rbegin(); it != found->second.rend(); ++it) {
    const DiskEntry& entry = **it;
    if (entry.state != DiskEntry::State::ready || entry.facts.extras != extras) continue;
    if (entry.facts.selector.matches(request)) return *it;
  }
  return nullptr;
}

void DiskIndex::replace(std::string_view url, std::string_view extras, const Headers& request) {
  auto found = urls_.find(url);
  if (found == urls_.end()) return;
  purge(found->second, [&](const DiskEntry& entry) {
    return entry.facts.extras == extras && entry.facts.selector.matches(request);
  });
  if (found->second.empty()) urls_.erase(found);
}

std::size_t DiskIndex::purge_url(std::string_view url) {
  std::size_t count = purge_slices(url);
  auto found = urls_.find(url);
  if (found == urls_.end()) return count;
  count += purge(found->second, [](const DiskEntry&) { return true; });
  urls_.erase(found);
  return count;
}

std::size_t DiskIndex::purge_slices(std::string_view url) {
  std::size_t count = 0;
  std::string slices = slices_of(url);
  auto at = urls_.lower_bound(slices);
  while (at != urls_.end() && at->first.starts_with(slices)) {
    count += purge(at->second, [](const DiskEntry&) { return true; });
    at = urls_.erase(at);
  }
  return count;
}

void DiskIndex::removed(const DiskTrash& file) {
  bytes_ -= file.size;
  trash_bytes_ -= file.size;
}

}  // namespace weir::cache

#include "tunnel/quic_paths.h"

#include <utility>

#include "core/hash.h"
#include "io/quic_header.h"

namespace weir {
namespace {

absl::string_view key(std::string_view id) { return {id.data(), id.size()}; }

}  // namespace

QuicPaths::Shard& QuicPaths::shard_of(std::string_view id) {
  return shards_[stable_hash(id) % shards_.size()];
}

// Two endpoints that give the same ID have it from each other, or do not choose by chance: the one
// that was first keeps it.
QuicPaths::Hold::Hold(QuicPaths& paths, std::string_view id, std::shared_ptr<Endpoint> endpoint)
    : paths_(&paths), id_(id) {
  paths.lengths_.fetch_or(1u << id.size(), std::memory_order_relaxed);
  Shard& shard = paths.shard_of(id);
  std::lock_guard lock(shard.mutex);
  Entry& entry = shard.entries[key(id)];
  if (entry.holds++ == 0) entry.endpoint = std::move(endpoint);
}

QuicPaths::Hold& QuicPaths::Hold::operator=(Hold&& other) noexcept {
  if (this == &other) return *this;
  release();
  paths_ = std::exchange(other.paths_, nullptr);
  id_ = std::exchange(other.id_, {});
  return *this;
}

void QuicPaths::Hold::release() {
  if (paths_ == nullptr) return;
  Shard& shard = paths_->shard_of(id_);
  std::lock_guard lock(shard.mutex);
  auto found = shard.entries.find(key(id_));
  if (--found->second.holds == 0) shard.entries.erase(found);
  paths_ = nullptr;
}

std::shared_ptr<Endpoint> QuicPaths::find(std::string_view id) const {
  const Shard& shard = const_cast<QuicPaths*>(this)->shard_of(id);
  std::lock_guard lock(shard.mutex);
  auto found = shard.entries.find(key(id));
  return found == shard.entries.end() ? nullptr : found->second.endpoint;
}

std::shared_ptr<Endpoint> QuicPaths::find_prefix(std::string_view bytes) const {
  std::uint32_t lengths = lengths_.load(std::memory_order_relaxed);
  for (std::size_t size = QuicHeader::kMostIdBytes; size > 0; --size) {
    if ((lengths >> size & 1) == 0 || size > bytes.size()) continue;
    if (auto found = find(bytes.substr(0, size))) return found;
  }
  return nullptr;
}

}  // namespace weir

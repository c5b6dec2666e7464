#include "server/line_ring.h"

#include <algorithm>
#include <cstring>

namespace weir {

bool LineRing::put(std::string_view line) {
  std::size_t head = head_.load(std::memory_order_relaxed);
  std::size_t free = capacity_ - (head - tail_.load(std::memory_order_acquire));
  if (line.size() > free) {
    dropped_.add();
    return false;
  }
  if (!bytes_) bytes_ = std::make_unique_for_overwrite<char[]>(capacity_);
  std::size_t at = head & (capacity_ - 1);
  std::size_t first = std::min(line.size(), capacity_ - at);
  std::memcpy(bytes_.get() + at, line.data(), first);
  std::memcpy(bytes_.get(), line.data() + first, line.size() - first);
  head_.store(head + line.size(), std::memory_order_release);
  lines_.add();
  return true;
}

std::string_view LineRing::piece(std::size_t end) const {
  std::size_t tail = tail_.load(std::memory_order_relaxed);
  if (tail == end) return {};
  std::size_t at = tail & (capacity_ - 1);
  return {bytes_.get() + at, std::min(end - tail, capacity_ - at)};
}

}  // namespace weir

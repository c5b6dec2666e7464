#include "http/h1/head_buffer.h"

#include <algorithm>
#include <cstring>

namespace weir::h1 {

void HeadBuffer::append(Slice more, Arena& arena) {
  seen_ = bytes_.size();
  if (seen_ == 0) {
    bytes_ = std::move(more);
    return;
  }
  std::size_t total = seen_ + more.size();
  char* gathered = const_cast<char*>(bytes_.data());
  if (total > capacity_) {
    capacity_ = std::max(total, 2 * seen_);
    gathered = arena.allocate(capacity_);
    std::memcpy(gathered, bytes_.data(), seen_);
  }
  std::memcpy(gathered + seen_, more.data(), more.size());
  bytes_ = Slice::unowned({gathered, total});
}

Slice HeadBuffer::take(std::size_t length, Slice& rest) {
  Slice head = bytes_.take(length);
  if (bytes_.empty()) {
    rest = Slice();
  } else if (capacity_ > 0) {
    rest = copy_slice(bytes_.view());  // the arena goes with the exchange
  } else {
    rest = std::move(bytes_);
  }
  return head;
}

}  // namespace weir::h1

// The bytes of a head while it arrives.
#pragma once

#include <cstddef>

#include "core/arena.h"
#include "core/slice.h"

namespace weir::h1 {

/// The common case keeps the one slice that a read brought. A head in several pieces is gathered
/// in the arena, in a buffer that doubles, so that dripping costs linear time.
class HeadBuffer {
 public:
  explicit HeadBuffer(Slice first) : bytes_(std::move(first)) {}

  std::string_view view() const { return bytes_.view(); }
  /// Bytes that are known not to complete the head.
  std::size_t seen() const { return seen_; }

  void append(Slice more, Arena& arena);
  /// Takes the head of `length` bytes; its views stay valid while the slice and the arena live.
  /// What came behind it goes to `rest`.
  Slice take(std::size_t length, Slice& rest);

 private:
  Slice bytes_;
  std::size_t seen_ = 0;
  std::size_t capacity_ = 0;  // of the buffer in the arena; 0 while there is none
};

}  // namespace weir::h1

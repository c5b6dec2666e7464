// Ciphertext on its way to the peer: a few slices of lent buffers that leave in one write.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "core/recycle.h"
#include "core/slice.h"

namespace weir {

/// Exists only while there is something to send.
class TlsOutput : public Recycled<TlsOutput> {
 public:
  static constexpr std::size_t kMostSlices = 8;

  /// False when there is no room for another slice. Neighbours in one block become one.
  bool add(Slice slice) {
    if (count_ > 0) {
      Slice& last = slices_[count_ - 1];
      if (last.owner() == slice.owner() && last.data() + last.size() == slice.data()) {
        last = Slice(last.owner(), last.data(), last.size() + slice.size());
        return true;
      }
    }
    if (count_ == kMostSlices) return false;
    slices_[count_++] = std::move(slice);
    return true;
  }
  std::size_t free_slices() const { return kMostSlices - count_; }
  std::span<Slice> slices() { return std::span(slices_).first(count_); }

 private:
  std::array<Slice, kMostSlices> slices_;
  std::uint8_t count_ = 0;
};

}  // namespace weir

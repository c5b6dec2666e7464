#include "io/datagram.h"

namespace weir {

DatagramBatch::DatagramBatch()
    : memory_(std::make_unique_for_overwrite<char[]>(kCapacity * kStride)) {
  for (std::size_t i = 0; i < kCapacity; ++i) items_[i].data = memory_.get() + i * kStride;
}

}  // namespace weir

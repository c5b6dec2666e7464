#include "http/compression/encoder_pool.h"

#include <utility>

namespace weir {

EncoderPool& EncoderPool::of(Slots& slots) {
  static const SlotKey key;
  return slots.get<EncoderPool>(key, [] { return std::make_unique<EncoderPool>(); });
}

std::unique_ptr<Encoder> EncoderPool::take(Coding coding, std::optional<std::uint64_t> length) {
  auto& free = free_[static_cast<std::size_t>(coding)];
  if (free.empty()) return make_encoder(coding, length);
  std::unique_ptr<Encoder> encoder = std::move(free.back());
  free.pop_back();
  if (!encoder->restart(length)) return make_encoder(coding, length);
  return encoder;
}

void EncoderPool::give_back(Coding coding, std::unique_ptr<Encoder> encoder) {
  auto& free = free_[static_cast<std::size_t>(coding)];
  if (encoder != nullptr && encoder->restarts() && free.size() < kKept) {
    free.push_back(std::move(encoder));
  }
}

}  // namespace weir

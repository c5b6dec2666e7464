// Encoders that a worker uses again: they are large, and making one touches all of its memory.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "core/slots.h"
#include "http/compression/encoder.h"

namespace weir {

/// One per worker.
class EncoderPool {
 public:
  static constexpr std::size_t kKept = 8;  // of each coding

  static EncoderPool& of(Slots& slots);

  /// As `make_encoder`.
  std::unique_ptr<Encoder> take(Coding coding, std::optional<std::uint64_t> length);
  void give_back(Coding coding, std::unique_ptr<Encoder> encoder);

  std::size_t kept(Coding coding) const { return free_[static_cast<std::size_t>(coding)].size(); }

 private:
  std::array<std::vector<std::unique_ptr<Encoder>>, kCodings> free_;
};

}  // namespace weir

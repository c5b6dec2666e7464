// Base64 (RFC 4648, 4) of a flow that comes in pieces.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "core/slice.h"

namespace weir {

/// One whole text of its own, padded.
Slice base64_encode(std::string_view bytes);

/// Reads padded texts that follow each other, in pieces that may be cut anywhere.
class Base64Decoder {
 public:
  /// The bytes that are complete. Errors: parse (Origin::client), after which it is of no use.
  Result<Slice> decode(std::string_view text);
  /// Nothing is left half.
  bool complete() const { return held_ == 0; }

 private:
  std::uint32_t bits_ = 0;
  unsigned held_ = 0;     // characters of an unfinished group of four
  unsigned padding_ = 0;  // of them '='
};

}  // namespace weir

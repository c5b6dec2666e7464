// Compresses a stream of bytes: bytes in, bytes out, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "core/result.h"
#include "http/content_coding.h"

namespace weir {

enum class Flush : std::uint8_t {
  none,  // what is worth it is kept for later
  sync,  // all that was taken can be decoded from what came out
  end    // the same, and nothing follows
};

struct Encoded {
  std::size_t written = 0;
  /// More is to come out: call again with the same flush.
  bool more = false;
};

/// Of one stream. Gzip is ISA-L's, which takes less than half of the time of zlib, for fewer bytes.
class Encoder {
 public:
  virtual ~Encoder() = default;

  /// Takes from the front of `in` and writes to `out`, which is not empty. `in` is used up when
  /// there is no `more`.
  virtual Result<Encoded> encode(std::string_view& in, std::span<char> out, Flush flush) = 0;

  /// Whether it can begin another stream, and beginning one; false if that failed.
  virtual bool restarts() const { return false; }
  virtual bool restart(std::optional<std::uint64_t> length) {
    (void)length;
    return false;
  }
};

/// `length` of all that will come, if it is known: a window larger than that is of no use. About
/// 170 KiB of memory for gzip, 1 MiB for the others. Null for identity, and without memory.
std::unique_ptr<Encoder> make_encoder(Coding coding, std::optional<std::uint64_t> length);

std::unique_ptr<Encoder> make_gzip_encoder();
std::unique_ptr<Encoder> make_zstd_encoder(std::optional<std::uint64_t> length);
std::unique_ptr<Encoder> make_brotli_encoder(std::optional<std::uint64_t> length);

}  // namespace weir

// Decompresses a stream of bytes: bytes in, bytes out, no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/result.h"
#include "http/content_coding.h"

namespace weir {

/// Against bombs: how many bytes may come out of those that went in. The first `free` bytes of
/// output are not looked at.
struct ExpansionLimit {
  std::uint32_t ratio = 100;
  std::uint64_t free = 1024 * 1024;
};

struct Decoded {
  std::size_t written = 0;
  bool more = false;  // `out` is full, or `in` is not used up: call again
};

/// Of one stream; counts what went through it.
class Decoder {
 public:
  virtual ~Decoder() = default;

  /// Takes from the front of `in` and writes to `out`, which is not empty. Fails with `parse` for
  /// what is not encoded so, with `limit` when too much comes out.
  Result<Decoded> decode(std::string_view& in, std::span<char> out, Origin from);

  /// The input may end here.
  virtual bool complete() const = 0;

  ExpansionLimit limit;

 protected:
  struct Step {
    std::size_t taken = 0;
    std::size_t written = 0;
    bool good = true;
  };
  virtual Step step(std::string_view in, std::span<char> out) = 0;

 private:
  std::uint64_t taken_ = 0;
  std::uint64_t written_ = 0;
};

/// Null for identity, and without memory. Windows larger than 8 MiB are refused.
std::unique_ptr<Decoder> make_decoder(Coding coding);

}  // namespace weir

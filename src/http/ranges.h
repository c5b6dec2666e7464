// Range requests (RFC 9110, 14): which bytes of a representation are asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace weir {

/// `size` bytes from `first` on, inside of the representation and never empty.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;

  std::uint64_t last() const { return first + size - 1; }
};

enum class RangeAnswer : std::uint8_t {
  whole,         // there is no range to speak of: 200
  parts,         // 206
  unsatisfiable  // 416
};

/// The parts that are asked for. Where some overlap or touch, they are in ascending order and
/// joined, so that no byte is sent twice; else they are in the client's order.
class ByteRanges {
 public:
  /// A Range with more is not looked at: nobody needs them, and each costs a header of its own.
  static constexpr std::size_t kMost = 16;

  /// `value` is that of the Range field, of a representation of `length` bytes.
  RangeAnswer parse(std::string_view value, std::uint64_t length);

  std::span<const ByteRange> parts() const { return {parts_.data(), count_}; }

 private:
  bool add(std::string_view spec, std::uint64_t length);
  void join();

  std::array<ByteRange, kMost> parts_;
  std::size_t count_ = 0;
};

/// What a 206 says that it is: so many bytes of a representation of `length` bytes.
struct ContentRange {
  ByteRange part;
  std::uint64_t length = 0;
};

/// Of the value of Content-Range, `bytes FIRST-LAST/LENGTH` (RFC 9110, 14.4). Nothing if it is
/// anything else, says a range that cannot be, or leaves the length open.
std::optional<ContentRange> parse_content_range(std::string_view value);

}  // namespace weir

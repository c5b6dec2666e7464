// The wire form of Protocol Buffers, as much of it as small messages need.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::protobuf {

enum class Wire : std::uint8_t { number = 0, eight_bytes = 1, bytes = 2, four_bytes = 5 };

/// One field of a message.
struct Field {
  std::uint64_t number = 0;
  Wire wire = Wire::number;
  std::uint64_t value = 0;  // of numbers; the bits of eight and four bytes
  std::string_view bytes{};
};

/// Takes the next field off `in`; nothing if it is broken, or of a kind that is not in use any more
/// (groups). Not to be called with an empty text.
std::optional<Field> take_field(std::string_view& in);

}  // namespace weir::protobuf

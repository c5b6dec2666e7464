#include "upstream/protobuf.h"

namespace weir::protobuf {
namespace {

// "Encoding": a number in groups of seven bits, the least significant first.
std::optional<std::uint64_t> take_varint(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    auto byte = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> take_bytes(std::string_view& in, std::uint64_t count) {
  if (count > in.size()) return std::nullopt;
  std::string_view taken = in.substr(0, count);
  in.remove_prefix(count);
  return taken;
}

// Least significant byte first.
std::optional<std::uint64_t> take_fixed(std::string_view& in, std::size_t size) {
  auto bytes = take_bytes(in, size);
  if (!bytes) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>((*bytes)[i]);
  return value;
}

}  // namespace

std::optional<Field> take_field(std::string_view& in) {
  auto tag = take_varint(in);
  if (!tag || *tag >> 3 == 0) return std::nullopt;
  Field field{.number = *tag >> 3, .wire = static_cast<Wire>(*tag & 7)};
  std::optional<std::uint64_t> value;
  switch (field.wire) {
    case Wire::number: value = take_varint(in); break;
    case Wire::eight_bytes: value = take_fixed(in, 8); break;
    case Wire::four_bytes: value = take_fixed(in, 4); break;
    case Wire::bytes: {
      value = take_varint(in);
      auto bytes = value ? take_bytes(in, *value) : std::nullopt;
      if (!bytes) return std::nullopt;
      field.bytes = *bytes;
      break;
    }
    default: break;
  }
  if (!value) return std::nullopt;
  field.value = *value;
  return field;
}

}  // namespace weir::protobuf

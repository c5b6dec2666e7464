#include "io/quic_header.h"

namespace weir {
namespace {

constexpr unsigned kLongForm = 0x80;
constexpr unsigned kFixedBit = 0x40;

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

// A length in one byte, then so many.
std::optional<std::string_view> take_id(std::string_view& rest, std::size_t most) {
  if (rest.empty()) return std::nullopt;
  std::size_t size = byte_at(rest, 0);
  if (size > most || size > rest.size() - 1) return std::nullopt;
  std::string_view id = rest.substr(1, size);
  rest.remove_prefix(1 + size);
  return id;
}

}  // namespace

std::optional<QuicHeader> read_quic_header(std::string_view datagram) {
  if (datagram.empty()) return std::nullopt;
  unsigned first = byte_at(datagram, 0);
  QuicHeader header;
  header.long_form = (first & kLongForm) != 0;
  if (!header.long_form) {
    header.destination = datagram.substr(1);
    return header;
  }
  if (datagram.size() < 5) return std::nullopt;
  for (std::size_t i = 1; i < 5; ++i) header.version = header.version << 8 | byte_at(datagram, i);
  bool known = header.version == QuicHeader::kVersion1 || header.version == QuicHeader::kVersion2;
  if (known && (first & kFixedBit) == 0) return std::nullopt;
  std::size_t most = known ? QuicHeader::kMostIdBytes : 255;
  std::string_view rest = datagram.substr(5);
  std::optional<std::string_view> destination = take_id(rest, most);
  if (!destination) return std::nullopt;
  std::optional<std::string_view> source = take_id(rest, most);
  if (!source) return std::nullopt;
  header.destination = *destination;
  header.source = *source;
  return header;
}

}  // namespace weir

// The QUIC header reader: what it finds lies inside the datagram and reads back as the same.
#include "io/quic_header.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "require.h"

namespace {

using namespace weir;

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

std::string written(const QuicHeader& header, char first) {
  std::string text(1, first);
  if (!header.long_form) return text.append(header.destination);
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(header.version >> shift);
  for (std::string_view id : {header.destination, header.source}) {
    text += static_cast<char>(id.size());
    text += id;
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view datagram(reinterpret_cast<const char*>(data), size);
  std::optional<QuicHeader> header = read_quic_header(datagram);
  if (!header) return 0;
  require(inside(header->destination, datagram) && inside(header->source, datagram),
          "IDs lie in the datagram");
  require(datagram.starts_with(written(*header, datagram.front())), "it reads back");
  bool known = header->version == QuicHeader::kVersion1 || header->version == QuicHeader::kVersion2;
  if (header->long_form && known) {
    require(header->destination.size() <= QuicHeader::kMostIdBytes, "the destination is bounded");
    require(header->source.size() <= QuicHeader::kMostIdBytes, "the source is bounded");
  }
  return 0;
}

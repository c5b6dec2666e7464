// QuicHeader: what a QUIC datagram tells everybody: its connection IDs (RFC 8999).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

/// The first packet of a datagram. Views point into the datagram.
struct QuicHeader {
  static constexpr std::size_t kMostIdBytes = 20;  // of a connection ID, in versions 1 and 2
  static constexpr std::uint32_t kVersion1 = 0x00000001;
  static constexpr std::uint32_t kVersion2 = 0x6b3343cf;  // RFC 9369

  bool long_form = false;
  std::uint32_t version = 0;          // 0: version negotiation
  std::string_view destination = {};  // of a short header: all that follows, ID and packet
  std::string_view source = {};       // none in short headers
};

/// Nothing: it is no QUIC datagram. A version that is not known is held to what all versions have
/// in common; of versions 1 and 2 the fixed bit must be set (but for a client and server that
/// agreed otherwise, RFC 9287, in short headers) and IDs have 20 bytes at most.
std::optional<QuicHeader> read_quic_header(std::string_view datagram);

}  // namespace weir

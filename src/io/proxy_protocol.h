// PROXY protocol, versions 1 and 2: what a proxy says of a connection ahead of its bytes. No I/O.
// https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "io/address.h"

namespace weir {

enum class ProxyProtocolVersion : std::uint8_t { v1, v2 };

/// One of the values that version 2 can carry behind the addresses.
struct ProxyTlv {
  enum Type : std::uint8_t {
    alpn = 0x01,
    authority = 0x02,  // the server name (SNI) that the client asked for
    crc32c = 0x03,
    no_op = 0x04,
    unique_id = 0x05,  // at most 128 bytes
    tls = 0x20,
    netns = 0x30,
  };
  std::uint8_t type;
  std::string_view value;
};

/// What was told.
struct ProxyHeader {
  /// The addresses of the connection itself stand: the proxy speaks for itself (a health check), or
  /// it cannot say for whom.
  bool own = true;
  Address source;              // of the client; only unless `own`
  Address destination;         // that the client connected to
  std::string_view tlvs = {};  // well-formed; points into the bytes that were parsed

  /// The first value of a type.
  std::optional<std::string_view> tlv(std::uint8_t type) const;
};

/// The longest header that is read; those that are sent are far shorter.
inline constexpr std::size_t kMaxProxyHeader = 16 + 4096;
inline constexpr std::size_t kMaxProxyHeaderV1 = 107;

/// The length of the header at the beginning of `bytes`; 0 if more of it has to come. The error's
/// detail (`parse`, origin client) says what is wrong. A checksum is verified if there is one.
Result<std::size_t> parse_proxy_header(std::string_view bytes, ProxyHeader& header);

/// The header for a client at `source` that connected to `destination`. IPv4 beside IPv6 is written
/// as IPv4-mapped; addresses that cannot be told (a Unix socket beside none) as unknown. Version 1
/// has no room for `tlvs`; of a value only what a TLV can hold is written.
std::string write_proxy_header(ProxyProtocolVersion version, const Address& source,
                               const Address& destination, std::span<const ProxyTlv> tlvs = {});

}  // namespace weir

// The host and port a request names: checked and brought into one canonical form.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "core/result.h"

namespace weir {

enum class HostKind : std::uint8_t { name, ipv4, ipv6 };

/// A canonical authority. Every comparison with a host (routes, certificates, keys) uses `host`;
/// what is forwarded is `text`, so that what was matched is what is sent.
struct Authority {
  HostKind kind = HostKind::name;
  std::uint16_t port = 0;  ///< 0 when the authority names no port
  std::string_view host;   ///< lower case, no trailing dot; an IPv6 literal keeps its brackets
  std::string_view text;   ///< host, and ":port" when a port was given

  /// The host without the brackets of an IPv6 literal: what a resolver or connect takes.
  std::string_view bare_host() const {
    return kind == HostKind::ipv6 ? host.substr(1, host.size() - 2) : host;
  }
};

/// Parses `uri-host [":" port]` (RFC 9110 7.2): the Host field, the `:authority` of HTTP/2, the
/// authority of an absolute-form target, the whole target of CONNECT.
///
/// Accepted exactly: names of letters, digits, `-`, `_` and `.` (at most 253 bytes, labels of at
/// most 63), canonical dotted-quad IPv4, IPv6 in brackets without a zone. One trailing dot is
/// removed, letters are lowered, IPv6 is written as in RFC 5952. Refused with bad_host: an empty
/// host, userinfo, percent-encoding, empty labels, numeric hosts in any other spelling
/// (`127.1`, `0x7f000001`), an empty port, port 0, a port above 65535 or with leading zeros.
///
/// The views point into `text` when it is canonical already, else into `arena`.
Result<Authority> parse_authority(std::string_view text, Arena& arena);

}  // namespace weir

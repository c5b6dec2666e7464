// Tells protocols apart by the first bytes of a client. No I/O.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

enum class FirstBytes : std::uint8_t { other, http, tls, ssh, postgres };

/// What a client speaks that begins with `bytes`; nothing while they may still be the beginning of
/// several. Decided by 17 bytes at the latest; nobody is waited for who could be nobody known.
std::optional<FirstBytes> tell_protocol(std::string_view bytes);

}  // namespace weir

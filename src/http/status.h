// Status codes: reason phrases and ready-made status lines.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// The registered phrase ("Not Found"); empty for a code without one. Static text.
std::string_view reason_phrase(std::uint16_t status);

/// "HTTP/1.1 404 Not Found\r\n"; empty for a code without a phrase. Static text.
std::string_view status_line(std::uint16_t status);

constexpr bool is_interim(std::uint16_t status) { return status >= 100 && status < 200; }

/// RFC 9110, 6.4.1 and 15: these never have content, whatever their fields say.
constexpr bool never_has_content(std::uint16_t status) {
  return is_interim(status) || status == 204 || status == 304;
}

}  // namespace weir

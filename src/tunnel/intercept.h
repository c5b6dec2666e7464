// Intercept: how connections come that were meant for somebody else.
#pragma once

#include <cstdint>

namespace weir {

enum class Intercept : std::uint8_t {
  none,
  redirect,  // the kernel redirected them; SO_ORIGINAL_DST tells where they were going
  tproxy,    // the kernel gave them as they are (IP_TRANSPARENT): the socket's own address
};

}  // namespace weir

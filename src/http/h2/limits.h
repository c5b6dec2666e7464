// What one HTTP/2 connection may cost, on either side of the proxy.
#pragma once

#include <cstdint>

#include "io/timer.h"

namespace weir::h2 {

/// Of one header block. `list_bytes` counts names, values and 32 for each field, as
/// SETTINGS_MAX_HEADER_LIST_SIZE does (RFC 9113, 6.5.2).
struct FieldLimits {
  std::uint32_t list_bytes = 32768;
  std::uint16_t count = 100;          // fields that are not Cookie
  std::uint16_t cookie_crumbs = 256;  // Cookie may come in pieces (RFC 9113, 8.2.3)
};

/// Each is the largest that is accepted.
struct Limits {
  std::uint32_t streams = 100;              // at once; exchanges that still end count
  std::uint32_t stream_window = 64 * 1024;  // bytes of a body that wait to be read
  std::uint32_t connection_window = 1024 * 1024;
  std::uint32_t header_table = 4096;                  // bytes of HPACK's dynamic table, each way
  std::uint16_t continuations = 8;                    // frames of one header block after the first
  std::uint16_t cookie_crumbs = 256;                  // pieces of one Cookie field
  std::uint32_t outbound_frames = 1000;               // control frames that wait to be sent
  std::uint32_t outbound_acks = 100;                  // of them, answers to PING and SETTINGS
  Duration ping_interval = std::chrono::seconds(60);  // of silence, while streams are open; 0: none
  Duration ping_timeout = std::chrono::seconds(20);   // until the answer
};

}  // namespace weir::h2

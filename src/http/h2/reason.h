// Why an HTTP/2 stream or connection ended (RFC 9113, 7), as both sides say it.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::h2 {

enum class Reason : std::uint32_t {
  no_error = 0x0,
  protocol_error = 0x1,
  internal_error = 0x2,
  flow_control_error = 0x3,
  settings_timeout = 0x4,
  stream_closed = 0x5,
  frame_size_error = 0x6,
  refused_stream = 0x7,
  cancel = 0x8,
  compression_error = 0x9,
  connect_error = 0xa,
  enhance_your_calm = 0xb,
  inadequate_security = 0xc,
  http_1_1_required = 0xd,
};

/// Static text: "refused stream"; a code that nobody knows is "unknown reason".
constexpr std::string_view name(Reason reason) {
  switch (reason) {
    case Reason::no_error: return "no error";
    case Reason::protocol_error: return "protocol error";
    case Reason::internal_error: return "internal error";
    case Reason::flow_control_error: return "flow control error";
    case Reason::settings_timeout: return "settings timeout";
    case Reason::stream_closed: return "stream closed";
    case Reason::frame_size_error: return "frame size error";
    case Reason::refused_stream: return "refused stream";
    case Reason::cancel: return "cancelled";
    case Reason::compression_error: return "compression error";
    case Reason::connect_error: return "connect error";
    case Reason::enhance_your_calm: return "enhance your calm";
    case Reason::inadequate_security: return "inadequate security";
    case Reason::http_1_1_required: return "HTTP/1.1 required";
  }
  return "unknown reason";
}

}  // namespace weir::h2

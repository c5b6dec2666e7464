// Reads the head of an HTTP/1.1 message in one pass, in place (RFC 9112, sections 2 to 5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "http/headers.h"
#include "http/method.h"

namespace weir::h1 {

/// What a head may cost. Each is the largest that is accepted.
struct Limits {
  std::uint32_t line = 8192;         // bytes of the request or status line, without CRLF
  std::uint32_t head_bytes = 32768;  // bytes of the whole head with its last CRLF; at most kMaxHead
  std::uint16_t header_count = 100;  // field lines
};

inline constexpr std::uint32_t kMaxHead = 1 << 20;  // a larger head_bytes counts as this
inline constexpr std::size_t kMaxMethod = 32;       // bytes of a method; longer is `unsupported`

struct RequestHead {
  Method method = Method::other;
  std::uint8_t minor_version = 1;  // HTTP/1.minor: 0 or 1
  std::string_view method_text;
  std::string_view target;  // as sent, not empty, no fragment; see h1/target.h
};

struct ResponseHead {
  std::uint16_t status = 0;  // 100 to 999
  std::uint8_t minor_version = 1;
  std::string_view reason;  // may be empty
};

/// Reads a request head from the start of `bytes`. Returns its length, the empty line included,
/// or 0 while the head is incomplete. Then call again with more bytes and `already_seen` = the
/// size that was not enough: only what is new is scanned, so that a head that drips in costs
/// linear time over all calls. The bytes may move between such calls. After success `head` and
/// `headers` are views into `bytes`; before it they mean nothing.
///
/// Strict: CRLF only; no bare CR, bare LF, NUL or other CTL; no folding; no space before the
/// colon; name 1*tchar; one SP between the parts of the request line. One empty line before
/// the request line is ignored (RFC 9112, 2.2), a second one is refused.
///
/// Errors, all of Origin::client: parse (400, HTTP/0.9 included), version_unsupported (505),
/// target_too_long (414), head_too_large (431), unsupported (501: method above kMaxMethod).
Result<std::size_t> parse_request_head(std::string_view bytes, std::size_t already_seen,
                                       const Limits& limits, RequestHead& head, Headers& headers);

/// The same for a response, interim ones included. A status line without its last SP
/// ("HTTP/1.1 200" CRLF) is accepted, since many origins send it and nothing depends on it; an
/// empty line before the status line is not. Errors are of Origin::upstream; a status line
/// above its limit is head_too_large.
Result<std::size_t> parse_response_head(std::string_view bytes, std::size_t already_seen,
                                        const Limits& limits, ResponseHead& head, Headers& headers);

/// Reads field lines up to and with the empty line: a trailer section. Same rules, limits
/// (head_bytes, header_count) and incompleteness as above, from byte 0 at each call.
Result<std::size_t> parse_fields(std::string_view bytes, const Limits& limits, Origin origin,
                                 Headers& headers);

}  // namespace weir::h1

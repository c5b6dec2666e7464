// Reads the head of a response as CGI programs write it (RFC 3875, 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "http/h1/head_parser.h"
#include "http/headers.h"

namespace weir::fastcgi {

struct CgiHead {
  std::uint16_t status = 200;  // 200 to 599
  std::string_view reason;     // may be empty
};

/// Reads a head from the start of `bytes`. Returns its length, the empty line included, or 0 while
/// it is incomplete; then call again with more bytes and `already_seen` = the size that was not
/// enough. Views into `bytes`, as with h1::parse_response_head.
///
/// Lines end with LF or CRLF (RFC 3875, 2.2, NL). At least one field; names are tokens, directly
/// before the colon; no CTL in values but HTAB; no folding. `Status` (once; three digits, 200 to
/// 599, and a reason) becomes `head` and no field; without it a `Location` means 302.
///
/// Errors, all of Origin::upstream: parse, head_too_large (`limits.head_bytes`, `header_count`).
Result<std::size_t> parse_cgi_head(std::string_view bytes, std::size_t already_seen,
                                   const h1::Limits& limits, CgiHead& head, Headers& headers);

}  // namespace weir::fastcgi

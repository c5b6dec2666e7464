// Decides where a message ends and whether its connection lives on (RFC 9112, 6 and 9).
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "http/h1/head_parser.h"
#include "http/headers.h"
#include "http/syntax.h"

namespace weir::h1 {

/// What follows a head.
struct Framing {
  enum class Kind : std::uint8_t {
    none,         // no body: the message has ended
    length,       // `length` bytes, at least one
    chunked,      // see ChunkedDecoder
    until_close,  // a response that ends with its connection
    tunnel        // 101, or 2xx to CONNECT: bytes of another protocol
  };
  Kind kind = Kind::none;
  bool keep_alive = false;       // the sender lets the connection live on after this message
  bool expect_continue = false;  // a body waits for 100 (Continue)
  bool te_trailers = false;      // the sender reads trailers ("TE: trailers")
  bool has_length = false;       // a Content-Length was there, for HEAD and 304 too
  std::uint64_t length = 0;      // its value; the size of the body only if kind is `length`
  std::string_view upgrade;      // the one protocol asked for (or switched to), or empty

  bool has_body() const {
    return kind == Kind::length || kind == Kind::chunked || kind == Kind::until_close;
  }
};

/// Options in Connection fields beyond which a message is refused: each costs a search.
inline constexpr unsigned kMaxConnectionOptions = 32;

/// Refuses, Origin::client, and the connection must then be closed: Content-Length together
/// with Transfer-Encoding, more than one Content-Length (equal ones too), one that is not
/// 1 to 19 digits or does not fit 63 bits, Transfer-Encoding in HTTP/1.0, `chunked` twice or not
/// last, content announced for CONNECT or TRACE (bad_framing, 400); a coding other than `chunked`
/// (unsupported, 501); not exactly one Host in HTTP/1.1, more than one in HTTP/1.0 (bad_host,
/// 400); an Expect other than `100-continue` (expectation_failed, 417); a Connection field that
/// is no list of tokens (parse, 400).
Result<Framing> request_framing(const RequestHead& head, const Headers& headers);

/// Refuses the same on the side of the origin (Origin::upstream), and a 1xx that announces a
/// body. `method` is that of the request. 1xx, 204, 304 and answers to HEAD have no body whatever
/// their fields say; a 204 that announces one all the same does not keep its connection. 2xx to
/// CONNECT and 101 give `tunnel`: whether 101 was asked for is known to the session, which
/// refuses it otherwise.
Result<Framing> response_framing(const ResponseHead& head, const Headers& headers, Method method);

/// Fields that concern one connection only (RFC 9110, 7.6.1): never forwarded.
constexpr bool is_hop_by_hop(HeaderId id) {
  constexpr HeaderSet kHopByHop(
      HeaderId::connection, HeaderId::keep_alive, HeaderId::proxy_connection, HeaderId::te,
      HeaderId::transfer_encoding, HeaderId::upgrade, HeaderId::http2_settings);
  return kHopByHop.has(id);
}

/// Removes them, the fields of `also`, and every field that Connection names, except fields that
/// Weir knows as end-to-end and all X-Forwarded-*: a sender cannot make us drop Host, credentials
/// or what a proxy before us has said. `Trailer` stays. What the next hop needs again (TE:
/// trailers, Upgrade, Transfer-Encoding) is added anew by the session from Framing.
void remove_hop_by_hop(Headers& headers, HeaderSet also = {});

/// Whether a trailer field may be passed on (RFC 9110, 6.5.1): not if it frames, routes,
/// authenticates, controls or describes the content. Fields Weir knows are refused but for
/// ETag; unknown ones are let through except names with '_' and the families of X-Forwarded-,
/// Proxy-, Sec-, Access-Control- and X-Real-. Trailers never become headers.
bool trailer_allowed(HeaderId id, std::string_view name);

/// Removes the trailer fields that are not allowed; returns how many went.
std::size_t remove_forbidden_trailers(Headers& trailers);

}  // namespace weir::h1

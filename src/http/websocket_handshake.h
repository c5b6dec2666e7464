// The opening handshake of WebSocket, where it crosses between versions of HTTP (RFC 6455, 8441).
#pragma once

#include <string_view>

#include "core/arena.h"
#include "core/random.h"
#include "core/result.h"
#include "http/headers.h"

namespace weir {

// Inside, every WebSocket request looks as in HTTP/1.1: GET with `Request::upgrade` "websocket"
// and a Sec-WebSocket-Key; its answer is 101 with a tunnel and the Sec-WebSocket-Accept of that
// key. HTTP/2 has neither key nor accept: whoever speaks it makes or takes them at its border, so
// that no handler sees a difference.

bool is_websocket(std::string_view upgrade);

/// Sec-WebSocket-Accept for a key: 28 characters, in `arena`.
std::string_view websocket_accept(std::string_view key, Arena& arena);

/// A client of HTTP/2 or later asks: adds the key (16 random bytes) that HTTP/1.1 would have.
void add_websocket_key(Headers& request, Random& random);

/// An origin of HTTP/2 or later has agreed: gives its answer the accept of `key`.
void add_websocket_accept(Headers& response, std::string_view key);

/// What the origin answered to `key`. Errors: bad_gateway, when it is not the accept of that key:
/// whoever answered did not understand the handshake, and nothing may be tunnelled to it.
Status check_websocket_accept(const Headers& response, std::string_view key, Arena& arena);

/// Takes key, or accept, away on the border to HTTP/2. Version, protocol and extensions stay.
void remove_websocket_key(Headers& request);
void remove_websocket_accept(Headers& response);

}  // namespace weir

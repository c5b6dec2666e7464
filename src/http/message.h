// Request and response as handlers see them, the same for every version of HTTP.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "http/body.h"
#include "http/headers.h"
#include "http/method.h"
#include "http/target.h"
#include "io/stream.h"

namespace weir {

/// HTTP/1.0, 1.1, 2 or 3.
enum class Version : std::uint8_t { http_1_0, http_1_1, http_2, http_3 };

std::string_view name(Version version);

struct Request {
  explicit Request(Arena& arena) : headers(arena) {}

  Method method = Method::get;
  Version version = Version::http_1_1;
  bool te_trailers = false;      // the client reads trailers
  std::string_view method_text;  // also for Method::other
  std::string_view scheme = "http";
  Authority authority;       // of the target if it names one, else of Host; canonical
  Target target;             // normalised: what is matched is what is forwarded
  Headers headers;           // end-to-end and hop-by-hop fields as received
  std::string_view upgrade;  // the one protocol asked for by Upgrade, or empty
  Body* body = nullptr;      // null if there is none; owned by the exchange
};

/// What an upgrade or CONNECT gives: bytes both ways with half-close. `unread` came before
/// everything that the stream will give.
struct Tunnel {
  std::unique_ptr<Stream> stream;
  Slice unread;
};

struct Response {
  explicit Response(Arena& arena) : headers(arena) {}

  std::uint16_t status = 200;
  std::string_view reason;     // empty: the registered phrase
  Headers headers;             // end-to-end fields only; no Content-Length, no Transfer-Encoding
  Body* body = nullptr;        // null if there is none; owned by the exchange
  bool ends_by_close = false;  // the body; nothing tells whether it is whole
  // Of a response without a body that announces the length that GET would have had (HEAD, 304).
  std::optional<std::uint64_t> announced_length;
  std::unique_ptr<Tunnel> tunnel;  // with 101, or 2xx to CONNECT
};

}  // namespace weir

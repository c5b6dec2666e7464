// Which requests may be served although they may be replays (RFC 8470).
#pragma once

#include "http/message.h"

namespace weir {

/// Safe (RFC 9110, 9.2.1), without content, and not the beginning of a tunnel.
inline bool harmless_twice(const Request& request) {
  return is_safe(request.method) && request.body == nullptr && request.upgrade.empty();
}

}  // namespace weir

// How a configuration writes the versions of the PROXY protocol.
#pragma once

#include <array>

#include "config/schema.h"
#include "io/proxy_protocol.h"

namespace weir {

constexpr auto enum_names(ProxyProtocolVersion) {
  return std::array{
      config::Name{"v1", ProxyProtocolVersion::v1, "A line of text."},
      config::Name{"v2", ProxyProtocolVersion::v2,
                   "Binary; also tells the server name and the protocol that are known of a TLS "
                   "client of a `tcp` listener."}};
}

}  // namespace weir

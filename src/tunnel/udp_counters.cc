#include "tunnel/udp_counters.h"

namespace weir {

std::string_view name(UdpDrop why) {
  switch (why) {
    case UdpDrop::sessions_full: return "sessions_full";
    case UdpDrop::client_sessions: return "client_sessions";
    case UdpDrop::overload: return "overload";
    case UdpDrop::no_endpoint: return "no_endpoint";
    case UdpDrop::endpoint: return "endpoint";
    case UdpDrop::client: return "client";
    case UdpDrop::amplification: return "amplification";
    case UdpDrop::not_quic: return "not_quic";
  }
  return "";
}

}  // namespace weir

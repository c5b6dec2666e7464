#include "server/udp_config.h"

namespace weir {

void UdpConfig::check(const config::Found& found) const {
  if (address->kind == config::Address::Kind::unix_socket) {
    found.error("address", config::Code::bad_address, "UDP has no Unix sockets",
                "write a port, as in \":53\"");
  }
  if (quic && replies) {
    found.error("replies", config::Code::contradiction,
                "in QUIC it cannot be seen how many replies a datagram has",
                "remove one of the two");
  }
}

}  // namespace weir

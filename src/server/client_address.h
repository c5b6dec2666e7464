// Who the client is: the peer, or whom trusted proxies name.
#pragma once

#include <vector>

#include "http/exchange.h"

namespace weir {

/// Sets client address, scheme and request identifier of the exchange. Only a peer in `trusted`
/// is believed; X-Forwarded-For is read from its end, up to the first address that is no trusted
/// proxy, so that what a client wrote in front has no effect.
void find_client(Exchange& exchange, const std::vector<IpNetwork>& trusted);

}  // namespace weir

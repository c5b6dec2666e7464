// A simulated client that speaks HTTP/2.
#pragma once

#include "client.h"

namespace weir::sim {

Task<void> visit_http2(Ledger& ledger, const Visit& visit, Stream& stream, StopToken stop);

}  // namespace weir::sim

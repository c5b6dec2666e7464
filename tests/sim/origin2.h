// The HTTP/2 side of a simulated origin.
#pragma once

#include "origin.h"

namespace weir::sim {

/// Serves one connection whose first bytes have been read.
Task<void> serve_http2(Origin& origin, Stream& stream, std::string received);

}  // namespace weir::sim

// Reads the PROXY header that a stream begins with.
#pragma once

#include "core/task.h"
#include "io/proxy_protocol.h"
#include "io/stream.h"

namespace weir {

/// What came of it. `header.tlvs` points into `bytes`.
struct ProxiedStart {
  ProxyHeader header;
  Slice bytes;  // that the header stands in
  Slice rest;   // what was read behind it: belongs to the connection
};

/// Reads to the end of the header. Errors: those of parse_proxy_header and of reading;
/// `header_timeout` if `stop` does so by a deadline, `truncated` for a stream that ends sooner.
Task<Result<ProxiedStart>> read_proxy_header(Stream& stream, StopToken stop);

}  // namespace weir

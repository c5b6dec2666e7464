// From a file to the response to one request: its variant, conditions, ranges.
#pragma once

#include "handler/static_files/open_file.h"
#include "http/exchange.h"

namespace weir {

/// 200, 206, 304, 412 or 416. The method is GET or HEAD; what HEAD is not to get the session drops.
Response file_response(Exchange& exchange, const OpenFileRef& found);

}  // namespace weir

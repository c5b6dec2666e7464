// The line of the access log that tells of a tunnel.
#pragma once

#include <cstdint>
#include <string>

#include "expression/redaction.h"
#include "tunnel/record.h"

namespace weir {

/// Appends one JSON object without a line break. `ended`: nanoseconds since the Unix epoch.
void append_tunnel(std::string& line, const TunnelRecord& record,
                   const expression::Redaction& redaction, std::int64_t ended);

}  // namespace weir

// Load reports of origins in HTTP (ORCA, Open Request Cost Aggregation).
#pragma once

#include <optional>
#include <string_view>

#include "cluster/reported_load.h"
#include "http/headers.h"

namespace weir {

/// What an `endpoint-load-metrics` field says: `JSON {"cpu_utilization": 0.3}` or
/// `TEXT cpu_utilization=0.3, rps_fractional=120`, with the names of xds.data.orca.v3. The
/// utilization is that of the application, else the highest of its named ones, else that of the
/// processor. Nothing if the value is of another form, or says none of these.
std::optional<LoadReport> parse_load_report(std::string_view value);

/// Takes the report out of a response: it is not for clients.
std::optional<LoadReport> take_load_report(Headers& headers);

}  // namespace weir

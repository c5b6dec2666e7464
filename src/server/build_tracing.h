// What a configuration says about traces, compiled.
#pragma once

#include <memory>

#include "server/snapshot.h"
#include "server/trace_exporter.h"

namespace weir {

/// Of a snapshot whose upstreams are built and whose configuration has `tracing`.
std::shared_ptr<const TracingPlan> tracing_plan(const Snapshot& snapshot);

}  // namespace weir

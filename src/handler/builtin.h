// The handlers that this program has.
#pragma once

#include <memory>
#include <span>

#include "config/schema.h"
#include "upstream/build_parts.h"

namespace weir {

class Handler;

std::span<const config::ModuleType* const> handler_types();

/// From parsed options. Names of upstreams have been checked.
std::unique_ptr<Handler> make_handler(const config::Module& module, const BuildParts& parts);

}  // namespace weir

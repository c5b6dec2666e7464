// The middlewares that this program has.
#pragma once

#include <memory>
#include <span>

#include "config/schema.h"
#include "upstream/build_parts.h"

namespace weir {

class Middleware;

std::span<const config::ModuleType* const> middleware_types();

/// From parsed options. Names of upstreams have been checked.
std::unique_ptr<Middleware> make_middleware(const config::Module& module, const BuildParts& parts);

}  // namespace weir

// The middlewares that this program has.
#pragma once

#include <memory>
#include <span>

#include "config/schema.h"

namespace weir {

namespace config {
class Diagnostics;
}

class Middleware;

std::span<const config::ModuleType* const> middleware_types();

/// From parsed options; what is wrong with them goes to `diagnostics`.
std::unique_ptr<Middleware> make_middleware(const config::Module& module,
                                            config::Diagnostics& diagnostics);

}  // namespace weir

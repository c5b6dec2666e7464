// The handlers that this program has.
#pragma once

#include <memory>
#include <span>

#include "config/schema.h"
#include "upstream/upstream.h"

namespace weir {

namespace config {
class Diagnostics;
}

class Handler;

std::span<const config::ModuleType* const> handler_types();

/// From parsed options; what is wrong with them goes to `diagnostics`. Names of upstreams have
/// been checked.
std::unique_ptr<Handler> make_handler(const config::Module& module, const Upstreams& upstreams,
                                      config::Diagnostics& diagnostics);

}  // namespace weir

// The handlers that this program has.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "config/schema.h"

namespace weir {

namespace config {
class Diagnostics;
}

class Handler;
class Upstream;

std::span<const config::ModuleType* const> handler_types();

using Upstreams = std::map<std::string, std::shared_ptr<const Upstream>, std::less<>>;

/// From parsed options; what is wrong with them goes to `diagnostics`. Names of upstreams have
/// been checked.
std::unique_ptr<Handler> make_handler(const config::Module& module, const Upstreams& upstreams,
                                      config::Diagnostics& diagnostics);

}  // namespace weir

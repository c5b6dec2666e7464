// What middlewares and handlers are built from, besides their own options.
#pragma once

#include "config/diagnostics.h"
#include "core/named_states.h"
#include "upstream/upstream.h"

namespace weir {

struct BuildParts {
  const Upstreams& upstreams;        // of this configuration; they outlive what is built
  NamedStates& states;               // what a name keeps over configurations
  config::Diagnostics& diagnostics;  // where everything that is wrong goes
};

}  // namespace weir

// What middlewares and handlers are built from, besides their own options.
#pragma once

#include <string>

#include "config/diagnostics.h"
#include "core/named_states.h"
#include "upstream/upstream.h"

namespace weir {

struct BuildParts {
  const Upstreams& upstreams;        // of this configuration; they outlive what is built
  NamedStates& states;               // what a name keeps over configurations
  NamedStates& declared;             // what this configuration declares for several of them
  config::Diagnostics& diagnostics;  // where everything that is wrong goes
  // Of what is being built, in the configuration: the same after a reload, and nothing else's. For
  // what has no name of its own.
  std::string place;
};

}  // namespace weir

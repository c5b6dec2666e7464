// What a script is told of a request beside its fields (RFC 3875, 4.1).
#pragma once

#include <string>
#include <string_view>

#include "handler/fastcgi/script.h"
#include "http/exchange.h"
#include "http/fastcgi/params.h"

namespace weir {

/// Of one request.
struct ScriptCall {
  Script script;
  std::string_view root;    // as the application sees it; no "/" at the end
  std::string_view prefix;  // that was removed from the path
  std::string_view scheme;  // as the client sees it: "http" or "https"
  const Body* body;         // null, or of known length
};

/// Adds them to `params`, but for those that are there already.
void add_variables(fastcgi::Params& params, Exchange& exchange, const ScriptCall& call);

}  // namespace weir

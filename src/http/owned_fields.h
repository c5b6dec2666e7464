// Fields of a request that Weir alone sets for what follows, such as the name of the user.
#pragma once

#include <span>
#include <string>

#include "http/headers.h"

namespace weir {

/// Takes out what a client sent under these names, in every spelling: many servers read '_' as '-'.
/// The fields that its Connection names go too, now: later they could be the ones that are set
/// after this. Called before Weir sets its own.
void clear_owned(Headers& request, std::span<const std::string> names);

}  // namespace weir

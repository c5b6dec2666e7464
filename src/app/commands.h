// The commands of the program, one function each.
#pragma once

#include "app/arguments.h"

namespace weir {

/// Does what the arguments say, prints, and gives the exit status.
int execute(const Arguments& arguments);

}  // namespace weir

// The manual page, written from the table of commands.
#pragma once

#include <string>

#include "app/command_table.h"

namespace weir {

/// weir(1) in the `man` macros of roff.
std::string manual_page(const CommandText& program);

}  // namespace weir

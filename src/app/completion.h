// Completion of the command line in shells, written from the table of commands.
#pragma once

#include <cstdint>
#include <string>

#include "app/command_table.h"

namespace weir {

enum class Shell : std::uint8_t { bash, zsh, fish };

/// A script for the shell's directory of completions: `weir`, `_weir` or `weir.fish`. None of them
/// runs the program.
std::string completion(const CommandText& program, Shell shell);

}  // namespace weir

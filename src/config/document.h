// A configuration file that was read: its tree, before any schema is applied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "config/yaml.h"

namespace weir::config {

struct Document {
  std::uint32_t file = 0;  // in the Diagnostics that read it
  Tree tree;
  std::string directory = {};  // absolute, of the file; empty for what is not read from a file

  // False after a syntax error: something may be missing, so references cannot be judged.
  bool complete() const { return tree.complete(); }
};

// Nothing when the file cannot be read or is too large; the reason is in diagnostics. "-" reads the
// standard input.
std::optional<Document> read_file(const std::string& path, Diagnostics& diagnostics);

// The same for a text at hand; name stands for the path in diagnostics.
Document read_text(std::string name, std::string text, Diagnostics& diagnostics,
                   const YamlLimits& limits = {});

}  // namespace weir::config

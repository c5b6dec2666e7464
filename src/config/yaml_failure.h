// Why libyaml gave up, in words that help. Only for yaml.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "config/codes.h"
#include "config/position.h"

struct yaml_parser_s;

namespace weir::config {

struct YamlFailure {
  Position position;
  Code code;
  std::string message;
  std::string help;
};

// For a parser that has just failed on the text. The code is unquoted_character when it could go on
// if the character at the position (`*`, `@`, a backtick or `%`) were another one.
YamlFailure explain_failure(const yaml_parser_s& parser, std::string_view text, std::uint32_t file);

// The byte at which a position of the text begins.
std::size_t offset_of(std::string_view text, Position position);

}  // namespace weir::config

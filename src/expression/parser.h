// Text to tree, with every check of names and types.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include "expression/error.h"
#include "expression/syntax.h"

namespace weir::expression {

/// Bytes of an expression.
inline constexpr std::size_t kMaxSource = 8192;
/// Parentheses, `not` and functions inside one another.
inline constexpr int kMaxDepth = 32;

std::expected<Tree, CompileError> parse(std::string_view source, Stage stage);

/// One value: a fact, a field, lower(...) or default(...).
std::expected<Operand, CompileError> parse_value(std::string_view source, Stage stage);

struct Hole {
  Operand operand;
  std::size_t end;  ///< behind the closing brace
};

/// The hole of a template whose text begins at `offset`, behind `${`.
std::expected<Hole, CompileError> parse_hole(std::string_view source, std::size_t offset,
                                             Stage stage);

}  // namespace weir::expression

#include "expression/expression.h"

#include "expression/parser.h"

namespace weir::expression {

std::expected<Expression, CompileError> Expression::compile(std::string_view source, Stage stage) {
  std::expected<Tree, CompileError> tree = parse(source, stage);
  if (!tree) return std::unexpected(tree.error());
  return Expression(Program(*tree), print(*tree));
}

}  // namespace weir::expression

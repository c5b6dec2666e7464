// A compiled condition over the facts of an exchange.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "expression/error.h"
#include "expression/program.h"

namespace weir::expression {

/// Compiled once, evaluated without allocation (regular expressions apart, whose automata grow to
/// 1 MiB at most) in time linear in the expression and the values it looks at. Immutable; safe to
/// use from several threads. The language is described in docs/expressions.md.
class Expression {
 public:
  /// `stage` is how far exchanges have come where the expression is used; facts that are known
  /// only later are errors. At most kMaxSource bytes, nested at most kMaxDepth deep.
  static std::expected<Expression, CompileError> compile(std::string_view source, Stage stage);

  bool evaluate(const Facts& facts) const { return program_.run(facts); }

  /// The expression in its one spelling; compiles to the same program.
  const std::string& text() const { return text_; }
  std::string listing() const { return program_.listing(); }

 private:
  Expression(Program program, std::string text)
      : program_(std::move(program)), text_(std::move(text)) {}

  Program program_;
  std::string text_;
};

}  // namespace weir::expression

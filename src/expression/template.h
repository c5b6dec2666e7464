// A text with holes that facts of an exchange fill: log lines, header values, keys.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "expression/error.h"
#include "expression/program.h"
#include "expression/text.h"

namespace weir::expression {

/// `${...}` holds one value (a fact, lower(...), default(...)); `$${` stands for `${`; any other
/// `$` for itself. Immutable; safe to use from several threads.
class Template {
 public:
  /// As for Expression::compile. `escape` applies to what fills the holes, not to the text
  /// between them; in a header template that text is checked here.
  static std::expected<Template, CompileError> compile(std::string_view source, Stage stage,
                                                       Escape escape);

  /// False, with `out` as it was, if a value is refused (Escape::header). Allocates only when
  /// `out` has to grow.
  bool append_to(std::string& out, const Facts& facts) const;

  /// The bytes written; nothing if a value is refused or the buffer is too small.
  std::optional<std::size_t> write_to(std::span<char> out, const Facts& facts) const;

  /// The text, if there are no holes.
  std::optional<std::string_view> constant() const;

 private:
  Template() = default;
  void put(Sink& sink, const Facts& facts) const;

  /// Literal text, then what fills a hole.
  struct Part {
    std::size_t text_end;  ///< in literals_; the text begins where that of the part before ends
    AtomRange hole;        ///< of no atoms at the end
  };

  Escape escape_ = Escape::none;
  std::string literals_;
  std::vector<Part> parts_;
  Program program_;
};

}  // namespace weir::expression

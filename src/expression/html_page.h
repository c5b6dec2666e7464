// An HTML page with holes that facts of an exchange fill: error pages.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"
#include "config/schema.h"
#include "expression/template.h"

namespace weir {

/// `${...}` holds one value, as in expression::Template, and `$${` stands for `${`. What fills a
/// hole cannot become markup: `&`, `<`, `>` and both quotes are written as character references.
/// Immutable.
class HtmlPage {
 public:
  static constexpr std::size_t kMost = 256 * 1024;  // bytes of a page

  static std::expected<HtmlPage, expression::CompileError> compile(std::string_view text,
                                                                   expression::Stage stage);
  /// Reads it from a file, which is named in the configuration. Nothing, and an error at that
  /// place, if it cannot be read, is too large, or has a hole that is none.
  static std::optional<HtmlPage> load(const config::Located<std::string>& file,
                                      expression::Stage stage, config::Diagnostics& diagnostics);

  std::string render(const expression::Facts& facts) const;

 private:
  struct Part {
    std::string text;  // as it is, before what fills the hole
    std::optional<expression::Template> hole;
  };
  std::vector<Part> parts_;
};

}  // namespace weir

#include "middleware/early_hints_config.h"

#include <fmt/format.h>

#include "http/syntax.h"

namespace weir {

std::optional<config::Problem> check_link(std::string_view text) {
  std::size_t end = text.find('>');
  std::string_view rest = end == std::string_view::npos ? "" : trim_ows(text.substr(end + 1));
  bool good = text.starts_with('<') && rest.starts_with(';') && is_field_value(text) &&
              trim_ows(text).size() == text.size();
  if (good) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not a link", text),
                         "write it like \"</style.css>; rel=preload; as=style\""};
}

}  // namespace weir

#include "middleware/compress_config.h"

#include <fmt/format.h>

#include "http/syntax.h"

namespace weir {

std::optional<config::Problem> check_media_pattern(std::string_view text) {
  std::size_t slash = text.find('/');
  if (slash != std::string_view::npos && is_token(text.substr(0, slash)) &&
      is_token(text.substr(slash + 1))) {
    return std::nullopt;
  }
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not a media type", text),
                         "write it like text/html or text/*, without parameters"};
}

}  // namespace weir

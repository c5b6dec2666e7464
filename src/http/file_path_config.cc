#include "http/file_path_config.h"

#include <fmt/format.h>

namespace weir {

std::optional<config::Problem> check_file_path(std::string_view text) {
  bool good =
      text.empty() ||
      (text.starts_with('/') && text.find_first_of("*?#% ") == std::string_view::npos &&
       text.find("//") == std::string_view::npos && text.find("/.") == std::string_view::npos);
  if (good) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not a path", text),
                         "write it like /app or /index.html"};
}

}  // namespace weir

#include "handler/static_files_config.h"

#include <fmt/format.h>

namespace weir {
namespace {

std::optional<config::Problem> refused(std::string_view text, std::string_view what,
                                       std::string_view help) {
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not {}", text, what),
                         std::string(help)};
}

}  // namespace

std::optional<config::Problem> check_file_name(std::string_view text) {
  bool good = text.find('/') == std::string_view::npos && text != "." && text != "..";
  if (good) return std::nullopt;
  return refused(text, "the name of a file", "write it like index.html");
}

std::optional<config::Problem> check_ending(std::string_view text) {
  bool good = text.size() > 1 && text.front() == '.' &&
              text.find_first_of("./* ", 1) == std::string_view::npos;
  if (good) return std::nullopt;
  return refused(text, "the ending of a name", "write it like .md");
}

}  // namespace weir

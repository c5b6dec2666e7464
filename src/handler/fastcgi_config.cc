#include "handler/fastcgi_config.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir {
namespace {

std::optional<config::Problem> refused(std::string_view text, std::string_view what,
                                       std::string_view help) {
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not {}", text, what),
                         std::string(help)};
}

}  // namespace

std::optional<config::Problem> check_script_ending(std::string_view text) {
  bool good =
      text.size() > 1 && text.front() == '.' && text.find_first_of("/* ") == std::string_view::npos;
  if (good) return std::nullopt;
  return refused(text, "the ending of a name", "write it like .php");
}

std::optional<config::Problem> check_param_name(std::string_view text) {
  bool good = !text.empty() && std::ranges::all_of(text, [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
  if (good) return std::nullopt;
  return refused(text, "the name of a variable", "write it like APP_ENV");
}

void FastCgiConfig::check(const config::Found& found) const {
  auto demand = [&](std::string_view key, std::string_view script) {
    if (script.ends_with(split)) return;
    found.error(key, config::Code::contradiction,
                fmt::format("\"{}\" does not end with \"{}\"", script, split),
                "only what ends like a script is run; see \"split\"");
  };
  demand("index", index);
  if (!fallback.empty()) demand("fallback", fallback);
  if (index.find('/') != std::string::npos) {
    found.error("index", config::Code::bad_text,
                fmt::format("\"{}\" is not the name of a file", index), "write it like index.php");
  }
}

}  // namespace weir

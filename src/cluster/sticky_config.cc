#include "cluster/sticky_config.h"

#include <algorithm>

#include <fmt/format.h>

namespace weir {
namespace {

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::optional<config::Problem> check_cookie_name(std::string_view text) {
  auto allowed = [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; };
  if (!text.empty() && std::ranges::all_of(text, allowed)) return std::nullopt;
  return config::Problem{config::Code::bad_text,
                         fmt::format("\"{}\" is no name for a cookie", text),
                         "write letters, digits, \"-\", \"_\" and \".\""};
}

std::optional<config::Problem> check_cookie_path(std::string_view text) {
  auto allowed = [](char c) { return c > ' ' && c < 127 && c != ';' && c != ','; };
  if (text.starts_with('/') && std::ranges::all_of(text, allowed)) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is no path of a cookie", text),
                         "write / for all paths, or /shop for what is below it"};
}

}  // namespace weir

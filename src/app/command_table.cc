#include "app/command_table.h"

#include <algorithm>
#include <ranges>

namespace weir {

std::vector<std::string> WordText::choices() const {
  std::vector<std::string> all;
  if (!value.contains('|')) return all;
  for (auto each : std::views::split(value, '|')) all.emplace_back(each.begin(), each.end());
  return all;
}

std::string CommandText::last_name() const { return name.substr(name.rfind(' ') + 1); }

std::string CommandText::synopsis() const {
  std::string text = name.empty() ? "weir" : "weir " + name;
  if (std::ranges::any_of(words, &WordText::is_option)) text += " [OPTIONS]";
  for (const WordText& each : words) {
    if (!each.is_option()) text += each.required ? " " + each.flag : " [" + each.flag + "]";
  }
  if (!commands.empty()) text += " COMMAND";
  return text;
}

}  // namespace weir

#include "core/log_messages.h"

#include <fmt/format.h>

namespace weir {

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "info";
}

std::string log_messages_markdown() {
  std::string text =
      "| code | level | what has happened | what to do |\n| --- | --- | --- | --- |\n";
  for (const LogMessage& each : kLogMessages) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", each.code, name(each.level), each.cause,
                        each.remedy.empty() ? "Nothing." : each.remedy);
  }
  return text;
}

}  // namespace weir

// `log`: how the program's own messages are written.
#pragma once

#include <array>

#include "config/schema.h"
#include "core/log_messages.h"

namespace weir {

enum class LogStyle : std::uint8_t { automatic, json, text };

constexpr auto enum_names(LogStyle) {
  return std::array{config::Name{"auto", LogStyle::automatic, "Text on a terminal, else JSON."},
                    config::Name{"json", LogStyle::json, "One JSON object per line."},
                    config::Name{"text", LogStyle::text, "Lines for people."}};
}

constexpr auto enum_names(LogLevel) {
  return std::array{config::Name{"info", LogLevel::info, "All of them."},
                    config::Name{"warning", LogLevel::warning, "What may need somebody's look."},
                    config::Name{"error", LogLevel::error, "What does."}};
}

struct LogConfig {
  LogStyle format = LogStyle::automatic;
  LogLevel level = LogLevel::info;

  static constexpr auto schema =
      config::object("log", "The program's own messages, on its standard error.",
                     config::field<&LogConfig::format>("format", "How they are written."),
                     config::field<&LogConfig::level>("level", "Of which level and above."));
};

}  // namespace weir

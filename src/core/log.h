// The program's own log: one JSON object per line on standard error, each with a stable code.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

enum class LogLevel : std::uint8_t { info, warning, error };

using LogField = std::pair<std::string_view, std::string_view>;

/// Writes `{"time":...,"level":...,"code":...,fields}`. Never on the path of a request: events of
/// the process and of its listeners only. Repeats of one code beyond 10 in a second are counted
/// and told once the second is over. Thread safe.
void log(LogLevel level, std::string_view code, std::initializer_list<LogField> fields);

inline void log_info(std::string_view code, std::initializer_list<LogField> fields) {
  log(LogLevel::info, code, fields);
}
inline void log_error(std::string_view code, std::string_view key, std::string_view value) {
  log(LogLevel::error, code, {{key, value}});
}
inline void log_error(std::string_view code, std::string_view key1, std::string_view value1,
                      std::string_view key2, std::string_view value2) {
  log(LogLevel::error, code, {{key1, value1}, {key2, value2}});
}

/// Where lines go instead of standard error; null restores it. For tests.
void set_log_sink(std::function<void(std::string_view line)> sink);

/// Text for people instead of JSON, for terminals.
void set_log_text(bool text);

}  // namespace weir

// The program's own log: one JSON object per line on standard error, each with a stable code.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/log_messages.h"

namespace weir {

using LogField = std::pair<std::string_view, std::string_view>;

/// Writes `{"time":...,"level":...,"code":...,fields}`, with the level that the table of messages
/// gives. Never on the path of a request: events of the process and of its listeners only. Repeats
/// of one code beyond 10 in a second are left out and counted. Thread safe.
void log(LogCode code, std::initializer_list<LogField> fields);

/// Tells what was left out in seconds that are over (`repeated`); to be called about every second.
void log_repeats();

/// Where lines go instead of standard error; null restores it. For tests.
void set_log_sink(std::function<void(std::string_view line)> sink);

/// Text for people instead of JSON.
void set_log_text(bool text);
/// Messages below `least` are not written.
void set_log_level(LogLevel least);

}  // namespace weir

#include "core/log.h"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <map>
#include <mutex>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace weir {
namespace {

constexpr std::uint32_t kPerSecond = 10;

struct Repeats {
  std::int64_t second = 0;
  std::uint32_t written = 0;
  std::uint32_t dropped = 0;
};

struct Sink {
  std::mutex mutex;
  std::function<void(std::string_view)> function;
  std::map<std::string, Repeats, std::less<>> repeats;
  bool text = false;
};

Sink& sink() {
  static Sink instance;
  return instance;
}

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::info: return "info";
    case LogLevel::warning: return "warning";
    case LogLevel::error: return "error";
  }
  return "info";
}

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string line_of(LogLevel level, std::string_view code, std::initializer_list<LogField> fields,
                    std::uint32_t dropped, bool text) {
  auto now = std::chrono::system_clock::now();
  auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::string time =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                  fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis % 1000);
  std::string out;
  if (text) {
    out = fmt::format("{} {} {}", time, level_name(level), code);
    for (const LogField& field : fields) out += fmt::format(" {}={}", field.first, field.second);
    if (dropped > 0) out += fmt::format(" repeated={}", dropped);
  } else {
    out = fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"code\":\"{}\"", time, level_name(level),
                      code);
    for (const LogField& field : fields) {
      out += fmt::format(",\"{}\":", field.first);
      append_json(out, field.second);
    }
    if (dropped > 0) out += fmt::format(",\"repeated\":{}", dropped);
    out += '}';
  }
  out += '\n';
  return out;
}

}  // namespace

void log(LogLevel level, std::string_view code, std::initializer_list<LogField> fields) {
  Sink& to = sink();
  std::lock_guard lock(to.mutex);
  std::int64_t second = std::time(nullptr);
  auto found = to.repeats.find(code);
  if (found == to.repeats.end()) found = to.repeats.emplace(std::string(code), Repeats{}).first;
  Repeats& repeats = found->second;
  if (repeats.second != second) {
    repeats.second = second;
    repeats.written = 0;
  }
  if (++repeats.written > kPerSecond) {
    ++repeats.dropped;
    return;
  }
  std::string line = line_of(level, code, fields, std::exchange(repeats.dropped, 0), to.text);
  if (to.function) {
    to.function(line);
  } else {
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

void set_log_sink(std::function<void(std::string_view)> function) {
  std::lock_guard lock(sink().mutex);
  sink().function = std::move(function);
  sink().repeats.clear();  // whoever comes sees all that is logged from now on
}

void set_log_text(bool text) {
  std::lock_guard lock(sink().mutex);
  sink().text = text;
}

}  // namespace weir

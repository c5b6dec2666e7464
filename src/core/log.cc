#include "core/log.h"

#include <unistd.h>

#include <chrono>
#include <ctime>
#include <map>
#include <mutex>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "core/recent_log.h"

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

using Fields = std::initializer_list<LogField>;

std::string now_text() {
  auto now = std::chrono::system_clock::now();
  auto millis =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)), millis % 1000);
}

std::string text_line(std::string_view time, LogLevel level, std::string_view code, Fields fields,
                      std::uint32_t dropped) {
  std::string out = fmt::format("{} {} {}", time, level_name(level), code);
  for (const LogField& field : fields) out += fmt::format(" {}={}", field.first, field.second);
  if (dropped > 0) out += fmt::format(" repeated={}", dropped);
  return out;
}

std::string json_line(std::string_view time, LogLevel level, std::string_view code, Fields fields,
                      std::uint32_t dropped) {
  std::string out = fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"code\":\"{}\"", time,
                                level_name(level), code);
  for (const LogField& field : fields) {
    out += fmt::format(",\"{}\":", field.first);
    append_json(out, field.second);
  }
  if (dropped > 0) out += fmt::format(",\"repeated\":{}", dropped);
  out += '}';
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
  std::uint32_t dropped = std::exchange(repeats.dropped, 0);
  std::string time = now_text();
  std::string json = json_line(time, level, code, fields, dropped);
  std::string line = (to.text ? text_line(time, level, code, fields, dropped) : json) + '\n';
  recent_log().add(level, std::move(json));
  if (to.function) {
    to.function(line);
  } else {
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

RecentLog& recent_log() {
  static RecentLog instance;
  return instance;
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

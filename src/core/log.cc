#include "core/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <ctime>
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
  std::uint32_t left_out = 0;
};

struct Sink {
  std::mutex mutex;
  std::function<void(std::string_view)> function;
  std::array<Repeats, kLogMessages.size()> repeats;  // of each message of the table
  LogLevel least = LogLevel::info;
  bool text = false;
};

Sink& sink() {
  static Sink instance;
  return instance;
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

std::string text_line(std::string_view time, const LogMessage& message, Fields fields) {
  std::string out = fmt::format("{} {} {}", time, name(message.level), message.code);
  for (const LogField& field : fields) out += fmt::format(" {}={}", field.first, field.second);
  return out;
}

std::string json_line(std::string_view time, const LogMessage& message, Fields fields) {
  std::string out = fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"code\":\"{}\"", time,
                                name(message.level), message.code);
  for (const LogField& field : fields) {
    out += fmt::format(",\"{}\":", field.first);
    append_json(out, field.second);
  }
  out += '}';
  return out;
}

// Under the mutex.
void write(Sink& to, const LogMessage& message, Fields fields) {
  if (message.level < to.least) return;
  std::string time = now_text();
  std::string json = json_line(time, message, fields);
  std::string line = (to.text ? text_line(time, message, fields) : json) + '\n';
  recent_log().add(message.level, std::move(json));
  if (to.function) {
    to.function(line);
  } else {
    [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

void tell_left_out(Sink& to, const LogMessage& message, Repeats& repeats) {
  static constexpr LogCode kRepeated("repeated");
  if (repeats.left_out == 0) return;
  std::string count = std::to_string(std::exchange(repeats.left_out, 0));
  write(to, kRepeated.message(), {{"of", message.code}, {"count", count}});
}

}  // namespace

void log(LogCode code, Fields fields) {
  Sink& to = sink();
  std::lock_guard lock(to.mutex);
  const LogMessage& message = code.message();
  Repeats& repeats = to.repeats[static_cast<std::size_t>(&message - kLogMessages.data())];
  std::int64_t second = std::time(nullptr);
  if (repeats.second != second) {
    tell_left_out(to, message, repeats);
    repeats.second = second;
    repeats.written = 0;
  }
  if (++repeats.written > kPerSecond) {
    ++repeats.left_out;
  } else {
    write(to, message, fields);
  }
}

void log_repeats() {
  Sink& to = sink();
  std::lock_guard lock(to.mutex);
  std::int64_t second = std::time(nullptr);
  for (std::size_t i = 0; i < to.repeats.size(); ++i) {
    if (to.repeats[i].second != second) tell_left_out(to, kLogMessages[i], to.repeats[i]);
  }
}

RecentLog& recent_log() {
  static RecentLog instance;
  return instance;
}

void set_log_sink(std::function<void(std::string_view)> function) {
  std::lock_guard lock(sink().mutex);
  sink().function = std::move(function);
  sink().repeats = {};  // whoever comes sees all that is logged from now on
}

void set_log_level(LogLevel least) {
  std::lock_guard lock(sink().mutex);
  sink().least = least;
}

void set_log_text(bool text) {
  std::lock_guard lock(sink().mutex);
  sink().text = text;
}

}  // namespace weir

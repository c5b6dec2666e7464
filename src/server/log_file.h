// LogFile: what log lines are appended to: a file, a pipe, standard output, or a syslog server.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "server/syslog.h"

namespace weir {

/// Owns its descriptor, except those of the standard streams. Made without one it takes nothing.
class LogFile {
 public:
  LogFile() = default;
  LogFile(LogFile&& other) noexcept { swap(other); }
  LogFile& operator=(LogFile&& other) noexcept {
    swap(other);
    return *this;
  }
  ~LogFile();

  /// `stdout`, `stderr` or a path, which is made (mode 0640) or appended to. A pipe must have a
  /// reader. The error is a reason for people, such as "Permission denied".
  static std::expected<LogFile, std::string> open(const std::string& name);

  /// Each line is a message.
  static std::expected<LogFile, std::string> open_syslog(SyslogSettings settings);

  bool is_open() const { return descriptor_ >= 0 || syslog_; }
  /// Makes a file that was opened by its path belong to a user, who will open it again later.
  void give_to(uid_t user, gid_t group) const;

  /// How many bytes were taken: maybe fewer than all, 0 if a reader is behind. The error is an
  /// errno. Waits for disks only.
  std::expected<std::size_t, int> write(std::string_view bytes);
  /// Waits until a reader has made room, for `milliseconds` at most.
  void wait(int milliseconds) const;

 private:
  LogFile(int descriptor, bool owned);
  std::expected<std::size_t, int> write_message(std::string_view bytes);
  void swap(LogFile& other) {
    std::swap(descriptor_, other.descriptor_);
    std::swap(owned_, other.owned_);
    std::swap(has_reader_, other.has_reader_);
    std::swap(syslog_, other.syslog_);
    std::swap(begun_, other.begun_);
  }

  int descriptor_ = -1;
  bool owned_ = false;
  bool has_reader_ = false;  // a pipe, socket or terminal, which can be full
  std::unique_ptr<Syslog> syslog_;
  std::string begun_;  // a line for syslog whose rest comes with the next bytes
};

}  // namespace weir

// Syslog: log lines as messages of RFC 5424, each a datagram to a Unix socket or over UDP.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "io/address.h"

namespace weir {

struct SyslogSettings {
  Address address;
  unsigned facility = 16;  // RFC 5424, 6.2.1; 16 is local0
  std::string tag = "weir";
};

/// Owns its socket. Not thread safe.
class Syslog {
 public:
  /// Of a message; what is longer is cut. Fits into a datagram of UDP.
  static constexpr std::size_t kMostBytes = 60000;

  /// The error is a reason for people. Over UDP nobody needs to listen yet.
  static std::expected<Syslog, std::string> open(SyslogSettings settings);
  Syslog(Syslog&& other) noexcept;
  Syslog& operator=(Syslog&&) = delete;
  ~Syslog();

  /// `line` has no line break. False if the server is behind; the error is an errno. A server that
  /// was started again is found again.
  std::expected<bool, int> send(std::string_view line);
  int descriptor() const { return descriptor_; }

 private:
  explicit Syslog(SyslogSettings settings);
  int connect();
  int send_once(std::string_view message) const;

  SyslogSettings settings_;
  std::string host_;
  std::string process_;
  int descriptor_ = -1;
};

/// The head of a message with the severity "informational". `time`: nanoseconds since the Unix
/// epoch.
std::string syslog_head(const SyslogSettings& settings, std::string_view host,
                        std::string_view process, std::int64_t time);

}  // namespace weir

// `access_log`: which requests have a line, how it looks, and where it goes.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "config/address.h"
#include "config/schema.h"

namespace weir {

// Numbers of RFC 5424, 6.2.1.
enum class SyslogFacility : std::uint8_t {
  user = 1,
  daemon = 3,
  local0 = 16,
  local1,
  local2,
  local3,
  local4,
  local5,
  local6,
  local7
};

constexpr auto enum_names(SyslogFacility) {
  using enum SyslogFacility;
  constexpr std::string_view kLocal = "For local use.";
  return std::array{config::Name{"user", user, "Programs of users."},
                    config::Name{"daemon", daemon, "Services of the system."},
                    config::Name{"local0", local0, kLocal},
                    config::Name{"local1", local1, kLocal},
                    config::Name{"local2", local2, kLocal},
                    config::Name{"local3", local3, kLocal},
                    config::Name{"local4", local4, kLocal},
                    config::Name{"local5", local5, kLocal},
                    config::Name{"local6", local6, kLocal},
                    config::Name{"local7", local7, kLocal}};
}

struct SyslogConfig {
  config::Located<config::Address> address =
      config::Address{.kind = config::Address::Kind::unix_socket, .host = "/dev/log"};
  SyslogFacility facility = SyslogFacility::local0;
  std::string tag = "weir";

  static constexpr auto schema = config::object(
      "syslog", "A syslog server (RFC 5424), one datagram for each line.",
      config::field<&SyslogConfig::address>("address",
                                            "A Unix socket, or an address and port for UDP.",
                                            config::shorthand, config::example("10.0.0.5:514")),
      config::field<&SyslogConfig::facility>("facility", "What the lines are filed under."),
      config::field<&SyslogConfig::tag>("tag", "The name of the program in each message.",
                                        config::not_empty));
};

struct LogSampleConfig {
  double percent = 100;
  bool keep_errors = true;

  static constexpr auto schema = config::object(
      "log sample", "A part of the lines in place of all.",
      config::field<&LogSampleConfig::percent>("percent", "How many of the requests have a line.",
                                               config::shorthand, config::range(0, 100)),
      config::field<&LogSampleConfig::keep_errors>(
          "keep_errors",
          "Requests that ended with a status of 500 or above, or broke off, always have one."));
};

inline constexpr std::string_view kStandardStreams[] = {"stdout", "stderr"};

struct AccessLogConfig {
  config::Located<std::string> format = {"json"};
  config::Located<std::string> file = {"stdout"};
  std::optional<SyslogConfig> syslog;
  LogSampleConfig sample;

  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "access_log", "One line for every request.",
      config::field<&AccessLogConfig::format>(
          "format", "`json`, `combined`, or the template of a line.", config::not_empty),
      config::field<&AccessLogConfig::file>(
          "file", "A path, `stdout` or `stderr`. A reload and SIGUSR1 open the file anew.",
          config::not_empty, config::file_path_or(kStandardStreams)),
      config::field<&AccessLogConfig::syslog>("syslog", "A syslog server in place of a file.",
                                              config::none("off")),
      config::field<&AccessLogConfig::sample>("sample", "A part of the lines in place of all."));
};

}  // namespace weir

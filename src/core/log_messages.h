// Every message that the program logs, with its level, its cause and what to do: one table for what
// is written and for its reference page. A code never changes its meaning.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

enum class LogLevel : std::uint8_t { info, warning, error };

std::string_view name(LogLevel level);

struct LogMessage {
  std::string_view code;
  LogLevel level;
  std::string_view cause;   // what has happened, and why it does
  std::string_view remedy;  // what to do; empty: nothing
};

inline constexpr auto kLogMessages = std::to_array<LogMessage>({
    // The life of the process.
    {"ready", LogLevel::info, "The process serves: its listeners are bound.", ""},
    {"reloaded", LogLevel::info, "Another configuration is in force.", ""},
    {"reload_refused", LogLevel::error,
     "The configuration that was to be read again has mistakes; `diagnostics` names them all. The "
     "one before stays in force.",
     "Correct the file, try it with `weir check`, and reload again."},
    {"listen_failed", LogLevel::error,
     "A worker cannot listen on a socket that is bound; the others serve it.",
     "Look at `reason`; most often the limit of descriptors or of memory is too low."},
    {"draining", LogLevel::info, "The process was asked to end and lets its requests finish.", ""},
    {"drain_cut_short", LogLevel::warning,
     "Connections were still open when the drain timeout was over, and were closed.",
     "Give long requests more time with `weir run --drain-timeout`."},
    {"ended", LogLevel::info, "The process has ended in order.", ""},
    {"supervisor_deaf", LogLevel::warning,
     "The service manager that started the process cannot be told anything: nobody listens on the "
     "socket that NOTIFY_SOCKET names, or it is none.",
     "Leave the variable to the service manager; without one, unset it."},
    {"repeated", LogLevel::info,
     "Messages of the code `of` came more than ten times in a second; `count` of them were left "
     "out.",
     "Look at the one that was written before."},

    // Clients.
    {"accept_failed", LogLevel::error,
     "A connection that waits cannot be taken; told once until one can be.",
     "With `no_descriptors`, raise the limit of descriptors (`LimitNOFILE=` of systemd)."},
    {"proxy_header_refused", LogLevel::warning,
     "A connection from an address of `proxy_protocol.from` did not begin with a PROXY header, or "
     "with a broken one, and was closed.",
     "Switch the header on at the load balancer in front, or take its address off the list."},
    {"overload_began", LogLevel::warning,
     "The process holds more memory, or its workers lag more, than `overload` allows: it refuses "
     "new requests in parts.",
     "Look what takes the memory or the time; give the process more, or limit clients."},
    {"overload_ended", LogLevel::info, "Memory and lag are below their ceilings again.", ""},

    // Endpoints and upstreams.
    {"endpoint_unhealthy", LogLevel::warning,
     "Health checks of an endpoint have failed as often in a row as `health` says.",
     "Look at `reason` and at the endpoint."},
    {"endpoint_healthy", LogLevel::info, "The endpoint gets requests again.", ""},
    {"endpoint_ejected", LogLevel::warning,
     "An endpoint has failed more often than the others of its upstream, and gets no requests for "
     "some time (`outliers`).",
     "Look at `reason`, `detail` and at the endpoint's own log."},
    {"endpoint_returned", LogLevel::info, "An endpoint that was ejected gets requests again.", ""},
    {"breaker_opened", LogLevel::warning,
     "Too many attempts at an upstream have failed: requests for it are refused for some time.",
     "Look at the upstream; `reason` says what it was judged by."},
    {"breaker_closed", LogLevel::info, "The upstream has passed its trial and gets requests.", ""},
    {"name_not_resolved", LogLevel::warning,
     "The name of an endpoint cannot be resolved; its last addresses stay in use.",
     "Ask the name server of this machine for the name, and look at `/etc/resolv.conf`."},
    {"fastcgi_stderr", LogLevel::warning,
     "An application has written to its error stream while it answered a request.",
     "The text is the application's own; `request_id` finds the request in the access log."},

    // Changes of the configuration while it is in force.
    {"config_changed", LogLevel::info,
     "A change that was asked for (`origin` says how) is in force as `version`.", ""},
    {"config_changes_superseded", LogLevel::warning,
     "The file was put in force, and changes that were made through the API and that it does not "
     "have are no longer.",
     "If they are wanted, `weir config rollback` with the number in `superseded`; write them into "
     "the file as well."},
    {"config_restored", LogLevel::info,
     "The configuration that was in force when the process before ended is so again.", ""},
    {"config_not_restored", LogLevel::error,
     "What was in force when the process before ended cannot be put in force; the file counts.",
     "Look at `diagnostics`, and at `weir config versions`."},
    {"version_not_kept", LogLevel::error,
     "The file is in force, but as a version it cannot be written to `admin.versions.directory`.",
     "Look at `reason`; most often the disk is full."},
    {"version_unreadable", LogLevel::error,
     "A version in `admin.versions.directory` cannot be read and is left out.",
     "Look at `reason`; a file that is damaged can be removed."},
    {"endpoint_state_set", LogLevel::info,
     "An operator has enabled, drained or disabled an endpoint.", ""},

    // Certificates.
    {"certificates_renewed", LogLevel::info,
     "Files of certificates have changed, and the new ones are shown.", ""},
    {"tls_file_refused", LogLevel::error,
     "A file of a certificate, key or ticket key has changed and is of no use; what was read "
     "before stays in use.",
     "Correct the file that is named; `reason` says what is wrong."},
    {"ocsp_failed", LogLevel::error,
     "The responder of a certificate gives no good answer; it is asked again ever more slowly.",
     "Look whether this machine can reach `responder`."},
    {"ocsp_out_of_date", LogLevel::error,
     "The last OCSP response of a certificate is out of date and is no longer shown.",
     "See `ocsp_failed`. A certificate that demands stapling is refused by browsers now."},

    // What stands beside.
    {"store_away", LogLevel::warning,
     "A Redis server cannot be reached; limits that count there do as `on_failure` says.",
     "Look at `reason` and at the server."},
    {"store_refuses", LogLevel::error,
     "A Redis server answers with an error; most often password, user or number of the database "
     "are wrong, or it is full.",
     "Look at `reason`, and correct `stores` or the server."},
    {"buffer_disk", LogLevel::error,
     "A body cannot be written to the directory of `buffer`, or not be read from there.",
     "Look whether the disk is full and whether this user may write there."},
    {"cache_disk_unusable", LogLevel::error,
     "The directory of a cache's disk cannot be used; the cache lives in memory, and the directory "
     "is "
     "tried again every ten seconds.",
     "Look at `reason`: another process may use it, or this user may not write there."},
    {"cache_disk_failed", LogLevel::error,
     "The disk of a cache does not take or give its files; the cache lives in memory meanwhile.",
     "Look at `reason`; most often the disk is full or broken."},
    {"cache_disk_broken", LogLevel::error,
     "A response on the disk of a cache was damaged. It was removed and not used.",
     "If it happens again, look at the disk."},
    {"trace_collector_away", LogLevel::warning,
     "The collector of traces cannot be reached, or says that it has too much to do. What waits "
     "is kept as far as there is room, and sent later; told once.",
     "Look at the upstream that `tracing.collector` names, and at `reason`."},
    {"trace_collector_back", LogLevel::info, "The collector of traces takes spans again.", ""},
    {"traces_refused", LogLevel::warning,
     "The collector does not want what it was sent, and gets it no more.",
     "Check `tracing.path` and `tracing.headers`: 401 and 403 speak of the latter, 404 and 415 of "
     "a "
     "collector that does not speak OTLP over HTTP with protobuf at this path."},

    // Logs.
    {"access_log_write_failed", LogLevel::error,
     "A line of the access log cannot be written; lines are lost until it works again.",
     "Look at `reason`; most often the disk is full."},
    {"access_log_works_again", LogLevel::info, "Lines of the access log are written again.", ""},
    {"access_log_drops_lines", LogLevel::error,
     "Lines of the access log are lost, because file, reader or syslog server are too slow.",
     "Write to a faster disk, log fewer requests (`sample`), or shorter lines."},
    {"access_log_reopened", LogLevel::info,
     "SIGUSR1 or `weir reopen` came, and the access log was opened anew.", ""},
    {"access_log_not_reopened", LogLevel::error,
     "SIGUSR1 or `weir reopen` came, and the access log cannot be opened; lines go where they went "
     "before.",
     "Look whether this user may write to the file and its directory."},
});

/// The row of a code; null if there is none.
constexpr const LogMessage* find_log_message(std::string_view code) {
  for (const LogMessage& each : kLogMessages) {
    if (each.code == code) return &each;
  }
  return nullptr;
}

/// A message of the table, named by its code. What does not stand there is not compiled.
class LogCode {
 public:
  consteval LogCode(const char* code) : message_(find_log_message(code)) {
    if (message_ == nullptr) throw "the code is missing in core/log_messages.h";
  }
  constexpr const LogMessage& message() const { return *message_; }

 private:
  const LogMessage* message_;
};

/// A Markdown table: docs/reference/logs.md.
std::string log_messages_markdown();

}  // namespace weir

#include "app/manual.h"

#include <string_view>

#include <fmt/format.h>

#include "core/version.h"

namespace weir {
namespace {

// Text that roff shows as it is.
std::string plain(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (char each : text) {
    if (line_begins && (each == '.' || each == '\'')) out += "\\&";
    line_begins = each == '\n';
    if (each == '\\') {
      out += "\\e";
    } else if (each == '-') {
      out += "\\-";
    } else {
      out += each;
    }
  }
  return out;
}

std::string word(const WordText& each) {
  std::string text = ".TP\n";
  if (!each.is_option()) {
    text += fmt::format("\\fI{}\\fR", plain(each.flag));
  } else if (each.brief.empty()) {
    text += fmt::format("\\fB{}\\fR", plain(each.flag));
  } else {
    text += fmt::format("\\fB{}\\fR, \\fB{}\\fR", plain(each.brief), plain(each.flag));
  }
  if (!each.value.empty()) text += fmt::format(" \\fI{}\\fR", plain(each.value));
  text += "\n" + plain(each.about);
  if (!each.otherwise.empty()) text += fmt::format(" (default: {})", plain(each.otherwise));
  return text + ".\n";
}

std::string command(const CommandText& each) {
  if (!each.commands.empty()) {
    std::string text;
    for (const CommandText& inner : each.commands) text += command(inner);
    return text;
  }
  std::string text = fmt::format(".SS {}\n{}.\n", plain(each.synopsis()), plain(each.about));
  for (const WordText& option : each.words) text += word(option);
  return text;
}

// What no table knows. Signals, variables and files are part of the interface as options are.
constexpr std::string_view kAround = R"(.SH SIGNALS
.TP
.B SIGHUP
The configuration is read again, as by \fBweir reload\fR.
.TP
.BR SIGTERM ", " SIGINT
The process takes no more connections, lets requests finish, and ends after the drain timeout at
the latest. A second signal ends it at once.
.TP
.B SIGUSR1
The access log is opened anew, after a rotation.
.SH ENVIRONMENT
.TP
.BR RUNTIME_DIRECTORY ", " XDG_RUNTIME_DIR
Where the control socket is, \fIweir.sock\fR; the second one not for root. Without them:
\fI/run/weir\fR for root, else \fI/tmp/weir\-UID\fR.
.TP
.BR NOTIFY_SOCKET ", " WATCHDOG_USEC
The service manager is told when the process is ready, reloads, stops and lives, see
.BR sd_notify (3).
.SH FILES
.TP
.I /etc/weir/weir.yaml
What the service of the Debian package serves.
.TP
.I /run/weir/weir.sock
The control socket of the service.
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Refused: a wrong configuration, an address in use, a process that says no.
.TP
.B 2
A command line that makes no sense.
.SH EXAMPLES
.EX
weir proxy \-\-from :8080 \-\-to localhost:3000
weir check /etc/weir/weir.yaml
weir explain 'GET http://shop.example/api/x'
weir config set /upstreams/api/balance least_requests
.EE
)";

}  // namespace

std::string manual_page(const CommandText& program) {
  std::string text = fmt::format(
      ".\\\" Written by `weir man`.\n"
      ".TH WEIR 1 \"\" \"Weir {}\" \"Weir\"\n"
      ".SH NAME\nweir \\- reverse proxy and load balancer\n"
      ".SH SYNOPSIS\n.B weir\n.I COMMAND\n.RI [ OPTIONS ]\n"
      ".SH DESCRIPTION\n"
      "Weir stands between clients and services: HTTP, TCP and UDP. \\fBweir run\\fR serves what "
      "a\n"
      "configuration file says; most other commands speak to the process that runs, over its\n"
      "control socket. \\fBweir help\\fR \\fICOMMAND\\fR tells about one of them,\n"
      "\\fBweir version\\fR which Weir this is.\n"
      ".SH COMMANDS\n",
      plain(kVersion));
  for (const CommandText& each : program.commands) text += command(each);
  return text.append(kAround);
}

}  // namespace weir

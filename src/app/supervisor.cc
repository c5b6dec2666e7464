#include "app/supervisor.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "core/log.h"

namespace weir {
namespace {

constexpr timeval kPatience{.tv_sec = 1, .tv_usec = 0};

std::string_view variable(const Supervisor::Environment& environment, const char* name) {
  const char* value = environment(name);
  return value != nullptr ? value : "";
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(duration / std::chrono::microseconds(1));
}

Duration watchdog_of(const Supervisor::Environment& environment, pid_t self) {
  std::string_view whose = variable(environment, "WATCHDOG_PID");
  if (!whose.empty() && number(whose) != static_cast<std::uint64_t>(self)) return {};
  constexpr std::uint64_t kMost = 365ull * 24 * 3600 * 1'000'000;
  std::uint64_t most = number(variable(environment, "WATCHDOG_USEC")).value_or(0);
  return std::chrono::microseconds(std::min(most, kMost));
}

// A line end would begin another variable.
std::string status_line(std::string_view text) {
  std::string line = fmt::format("STATUS={}", text);
  std::ranges::replace(line, '\n', ' ');
  return line;
}

}  // namespace

Supervisor::Supervisor(const Environment& environment, pid_t self) {
  std::string_view name = variable(environment, "NOTIFY_SOCKET");
  if (name.empty()) return;
  if (std::string_view why = open(name); !why.empty()) {
    complain(why);
  } else {
    watchdog_ = watchdog_of(environment, self);
  }
}

std::string_view Supervisor::open(std::string_view name) {
  bool abstract = name[0] == '@';
  if (name.size() < 2 || (name[0] != '/' && !abstract) || name.size() >= sizeof address_.sun_path) {
    return "NOTIFY_SOCKET is neither a path nor an abstract name";
  }
  address_.sun_family = AF_UNIX;
  std::ranges::copy(name, address_.sun_path);
  if (abstract) address_.sun_path[0] = '\0';  // its length ends it, not a zero
  length_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + !abstract);
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return std::strerror(errno);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  return {};
}

Supervisor::~Supervisor() {
  if (socket_ >= 0) ::close(socket_);
}

void Supervisor::ready(std::string_view status) { send("READY=1\n" + status_line(status), 0); }

void Supervisor::reloading() {
  Duration now = std::chrono::steady_clock::now().time_since_epoch();
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds(now)), 0);
}

void Supervisor::stopping(Duration patience, std::string_view status) {
  send(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\n{}", microseconds(patience),
                   status_line(status)),
       0);
}

void Supervisor::alive() { send("WATCHDOG=1", MSG_DONTWAIT); }

void Supervisor::send(const std::string& message, int flags) {
  if (socket_ < 0) return;
  auto sent = ::sendto(socket_, message.data(), message.size(), flags | MSG_NOSIGNAL,
                       reinterpret_cast<const sockaddr*>(&address_), length_);
  if (sent < 0 && (errno != EAGAIN || flags == 0)) complain(std::strerror(errno));
}

// Once: what is wrong stays so, and the watchdog would tell of it again and again.
void Supervisor::complain(std::string_view why) {
  if (!std::exchange(complained_, true)) log("supervisor_deaf", {{"reason", why}});
}

}  // namespace weir

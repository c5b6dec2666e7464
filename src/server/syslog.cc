#include "server/syslog.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace weir {
namespace {

constexpr unsigned kInformational = 6;
constexpr std::size_t kMostHost = 255;  // RFC 5424, 6: of the header's fields
constexpr std::size_t kMostTag = 48;

// PRINTUSASCII: nothing that would end a field of the header.
std::string header_field(std::string_view text, std::size_t most) {
  std::string field(text.substr(0, most));
  for (char& c : field) {
    if (c < 33 || c > 126) c = '_';
  }
  return field.empty() ? "-" : field;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

std::int64_t wall_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

std::string syslog_head(const SyslogSettings& settings, std::string_view host,
                        std::string_view process, std::int64_t time) {
  return fmt::format("<{}>1 {:%Y-%m-%dT%H:%M:%S}.{:06}Z {} {} {} access - ",
                     settings.facility * 8 + kInformational,
                     fmt::gmtime(static_cast<std::time_t>(time / 1'000'000'000)),
                     time / 1000 % 1'000'000, header_field(host, kMostHost),
                     header_field(settings.tag, kMostTag), process);
}

Syslog::Syslog(SyslogSettings settings)
    : settings_(std::move(settings)), host_(host_name()), process_(std::to_string(::getpid())) {}

Syslog::Syslog(Syslog&& other) noexcept
    : settings_(std::move(other.settings_)),
      host_(std::move(other.host_)),
      process_(std::move(other.process_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

Syslog::~Syslog() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::expected<Syslog, std::string> Syslog::open(SyslogSettings settings) {
  Syslog made(std::move(settings));
  if (int error = made.connect(); error != 0) {
    return std::unexpected(std::system_category().message(error));
  }
  return made;
}

int Syslog::connect() {
  if (descriptor_ >= 0) ::close(descriptor_);
  sockaddr_storage storage{};
  socklen_t length = settings_.address.to_sockaddr(storage);
  descriptor_ = ::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor_ < 0) return errno;
  int done = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&storage), length);
  return done == 0 ? 0 : errno;
}

int Syslog::send_once(std::string_view message) const {
  while (::send(descriptor_, message.data(), message.size(), MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// A refusal speaks of a server that has gone; a new one has the same path and another socket. Over
// UDP it is about an earlier message.
std::expected<bool, int> Syslog::send(std::string_view line) {
  std::string message = syslog_head(settings_, host_, process_, wall_now());
  message += line.substr(0, kMostBytes - message.size());
  int error = descriptor_ >= 0 ? send_once(message) : ENOTCONN;
  if (error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET) {
    error = connect();
    if (error == 0) error = send_once(message);
  }
  if (error == EAGAIN || error == ENOBUFS) return false;
  if (error != 0) return std::unexpected(error);
  return true;
}

}  // namespace weir

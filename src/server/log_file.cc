#include "server/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

namespace weir {
namespace {

bool writable(int descriptor, int milliseconds) {
  pollfd waiting{descriptor, POLLOUT, 0};
  return ::poll(&waiting, 1, milliseconds) > 0;
}

}  // namespace

LogFile::LogFile(int descriptor, bool owned) : descriptor_(descriptor), owned_(owned) {
  struct stat info;
  if (::fstat(descriptor, &info) != 0) return;
  has_reader_ = S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || ::isatty(descriptor);
}

LogFile::~LogFile() {
  if (owned_) ::close(descriptor_);
}

std::expected<LogFile, std::string> LogFile::open(const std::string& name) {
  if (name == "stdout") return LogFile(STDOUT_FILENO, false);
  if (name == "stderr") return LogFile(STDERR_FILENO, false);
  // Without O_NONBLOCK opening a pipe would wait for its reader.
  int descriptor =
      ::open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
  if (descriptor < 0) {
    if (errno == ENXIO) return std::unexpected("nobody reads from this pipe");
    return std::unexpected(std::system_category().message(errno));
  }
  return LogFile(descriptor, true);
}

std::expected<LogFile, std::string> LogFile::open_syslog(SyslogSettings settings) {
  auto opened = Syslog::open(std::move(settings));
  if (!opened) return std::unexpected(opened.error());
  LogFile file;
  file.syslog_ = std::make_unique<Syslog>(std::move(*opened));
  return file;
}

// Only what this user may give away changes hands: nothing is wrong if it does not.
void LogFile::give_to(uid_t user, gid_t group) const {
  if (!owned_ || has_reader_) return;
  [[maybe_unused]] int given = ::fchown(descriptor_, user, group);
}

// The standard streams are not ours to make non-blocking: whoever started us has them too. Where
// poll says that there is room, PIPE_BUF bytes are taken without waiting.
std::expected<std::size_t, int> LogFile::write(std::string_view bytes) {
  if (!is_open()) return bytes.size();
  if (syslog_) return write_message(bytes);
  if (has_reader_) {
    if (!writable(descriptor_, 0)) return 0;
    bytes = bytes.substr(0, PIPE_BUF);
  }
  while (true) {
    ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) return static_cast<std::size_t>(written);
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) return std::unexpected(errno);
  }
}

// One line at a time. A line that is cut comes in two pieces, as those of a ring do.
std::expected<std::size_t, int> LogFile::write_message(std::string_view bytes) {
  std::size_t end = bytes.find('\n');
  if (end == std::string_view::npos) {
    begun_ += bytes;
    return bytes.size();
  }
  std::string_view line = bytes.substr(0, end);
  std::string whole;
  if (!begun_.empty()) line = whole = begun_ + std::string(line);
  if (!line.empty()) {
    auto sent = syslog_->send(line);
    if (sent && !*sent) return 0;
    begun_.clear();
    if (!sent) return std::unexpected(sent.error());
  }
  return end + 1;
}

void LogFile::wait(int milliseconds) const {
  writable(syslog_ ? syslog_->descriptor() : descriptor_, milliseconds);
}

}  // namespace weir

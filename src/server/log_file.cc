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

// Only what this user may give away changes hands: nothing is wrong if it does not.
void LogFile::give_to(uid_t user, gid_t group) const {
  if (!owned_ || has_reader_) return;
  [[maybe_unused]] int given = ::fchown(descriptor_, user, group);
}

// The standard streams are not ours to make non-blocking: whoever started us has them too. Where
// poll says that there is room, PIPE_BUF bytes are taken without waiting.
std::expected<std::size_t, int> LogFile::write(std::string_view bytes) {
  if (!is_open()) return bytes.size();
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

void LogFile::wait(int milliseconds) const { writable(descriptor_, milliseconds); }

}  // namespace weir

#include "io/files/root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>

#include <fmt/format.h>

namespace weir {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * kNanoseconds + time.tv_nsec; }

// Where the kernel says that a descriptor lies; empty if it does not say.
std::string place_of(int descriptor) {
  std::array<char, PATH_MAX> place;
  std::string link = fmt::format("/proc/self/fd/{}", descriptor);
  ssize_t size = ::readlink(link.c_str(), place.data(), place.size());
  return size <= 0 ? std::string() : std::string(place.data(), static_cast<std::size_t>(size));
}

}  // namespace

bool is_hidden(std::string_view file_path) {
  constexpr std::string_view kWellKnown = ".well-known";
  if (file_path == kWellKnown || file_path.starts_with(".well-known/")) {
    file_path.remove_prefix(kWellKnown.size());
  }
  return file_path.starts_with('.') || file_path.find("/.") != std::string_view::npos;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

FileIdentity FileIdentity::of(const struct stat& status) {
  return {status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim)};
}

Root::Root(Descriptor directory, const struct stat& status)
    : directory_(std::move(directory)), device_(status.st_dev), inode_(status.st_ino) {}

std::expected<Root, int> Root::open(const std::string& path) {
  Descriptor directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat status{};
  if (!directory || ::fstat(directory.get(), &status) != 0) return std::unexpected(errno);
  return Root(std::move(directory), status);
}

bool Root::is_at(const std::string& path) const {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

Descriptor Root::open_below(int directory, const char* path, std::uint64_t resolve, Use use) {
  open_how how{};
  // Not to wait for the writer of a FIFO, not to take a terminal.
  std::uint64_t reading = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  how.flags = O_CLOEXEC | (use == Use::read ? reading : O_PATH);
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  long file;
  do {
    file = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
  } while (file < 0 && (errno == EINTR || errno == EAGAIN));  // EAGAIN: a rename went by
  return Descriptor(static_cast<int>(file));
}

std::expected<Found, int> Root::find(const std::string& path, Symlinks symlinks, bool hidden,
                                     Use use) const {
  const char* name = path.empty() ? "." : path.c_str();
  Found found;
  found.file = open_below(directory_.get(), name, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, use);
  if (!found.file && errno == ELOOP && symlinks != Symlinks::refuse) {
    std::uint64_t resolve = symlinks == Symlinks::beneath ? RESOLVE_BENEATH : 0;
    found.file = open_below(directory_.get(), name, resolve, use);
    if (found.file && !hidden && leads_to_hidden(found.file.get())) return std::unexpected(ENOENT);
  }
  if (!found.file || ::fstat(found.file.get(), &found.status) != 0) return std::unexpected(errno);
  bool served = S_ISREG(found.status.st_mode) || S_ISDIR(found.status.st_mode);
  if (!served) return std::unexpected(ENOENT);
  return found;
}

// By the name behind the links; outside of the root only the last part of it counts.
bool Root::leads_to_hidden(int file) const {
  std::string root = place_of(directory_.get());
  std::string place = place_of(file);
  if (root.empty() || place.empty()) return true;
  if (!root.ends_with('/')) root += '/';
  if (place.starts_with(root)) return is_hidden(std::string_view(place).substr(root.size()));
  return is_hidden(std::string_view(place).substr(place.rfind('/') + 1));
}

}  // namespace weir

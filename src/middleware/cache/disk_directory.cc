#include "middleware/cache/disk_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>

#include <fmt/format.h>

namespace weir::cache {
namespace {

constexpr const char* kMarker = "/weir-cache";
constexpr std::string_view kMarkerText = "weir cache 1\n";
constexpr unsigned kFolders = 256;

std::string reason(const char* what, int error) {
  std::array<char, 128> text;
  return fmt::format("{}: {}", what, ::strerror_r(error, text.data(), text.size()));
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Calls `each` with the names in a folder, the two dots left out.
template <class F>
void for_each_name(const std::string& path, F&& each) {
  std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
  if (!directory) return;
  while (const dirent* found = ::readdir(directory.get())) {
    std::string_view name = found->d_name;
    if (name != "." && name != "..") each(name);
  }
}

bool make_folder(const std::string& path) {
  return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
}

}  // namespace

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) ::close(fd_);
}

// Only a directory that is empty, or that has been Weir's, becomes or stays a cache: in any other
// the files are somebody's.
std::string DiskDirectory::lock() {
  if (locked()) return {};
  if (!make_folder(path_)) return reason("cannot make the directory", errno);
  std::string path = path_ + kMarker;
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) {
    bool empty = true;
    for_each_name(path_, [&](std::string_view name) { empty = empty && name == "lost+found"; });
    if (!empty) return "the directory is not empty, and is no cache of Weir";
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  }
  if (fd < 0) return reason("cannot use the directory", errno);
  OwnedFd marker(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? "another process uses the directory"
                                : reason("cannot lock the directory", errno);
  }
  std::string wrong = check_marker(fd);
  if (wrong.empty()) lock_ = std::move(marker);
  return wrong;
}

std::string DiskDirectory::check_marker(int marker) {
  std::array<char, 32> text;
  std::int64_t size = read_at(marker, text.data(), text.size(), 0);
  if (size < 0) return reason("cannot read the directory", errno);
  std::string_view found(text.data(), static_cast<std::size_t>(size));
  // An empty one: it ended between making and writing it.
  if (!found.empty() && found != kMarkerText) return "the directory is of another version";
  if (found.empty() && !write_at(marker, kMarkerText.data(), kMarkerText.size(), 0)) {
    return reason("cannot write to the directory", errno);
  }
  bool made = make_folder(path_ + "/unfinished");
  for (unsigned i = 0; i < kFolders && made; ++i) made = make_folder(folder_of(i));
  return made ? std::string() : reason("cannot make folders in the directory", errno);
}

void DiskDirectory::scan(const std::function<void(std::uint64_t)>& each) {
  std::string unfinished = path_ + "/unfinished";
  for_each_name(unfinished, [&](std::string_view name) {
    ::unlink(fmt::format("{}/{}", unfinished, name).c_str());
  });
  for (unsigned i = 0; i < kFolders; ++i) {
    for_each_name(folder_of(i), [&](std::string_view name) {
      std::uint64_t id = 0;
      auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id, 16);
      bool ours = error == std::errc() && end == name.data() + name.size() && name.size() == 16;
      if (ours && id % kFolders == i) each(id);
    });
  }
}

std::string DiskDirectory::folder_of(std::uint64_t id) const {
  return fmt::format("{}/{:02x}", path_, id % kFolders);
}

std::string DiskDirectory::name_of(std::uint64_t id) const {
  return fmt::format("{}/{:02x}/{:016x}", path_, id % kFolders, id);
}

std::string DiskDirectory::unfinished(std::uint64_t id) const {
  return fmt::format("{}/unfinished/{:016x}", path_, id);
}

int DiskDirectory::create(std::uint64_t id) {
  return ::open(unfinished(id).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

// Without fsync: what a machine loses that loses its power has the wrong checksums.
bool DiskDirectory::publish(std::uint64_t id) {
  return ::rename(unfinished(id).c_str(), name_of(id).c_str()) == 0;
}

void DiskDirectory::discard(std::uint64_t id) { ::unlink(unfinished(id).c_str()); }

int DiskDirectory::open(std::uint64_t id) const {
  return ::open(name_of(id).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void DiskDirectory::remove(std::uint64_t id) const { ::unlink(name_of(id).c_str()); }

bool write_at(int fd, const char* data, std::size_t size, std::uint64_t at) {
  while (size > 0) {
    ssize_t put = ::pwrite(fd, data, size, static_cast<off_t>(at));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    data += put;
    size -= static_cast<std::size_t>(put);
    at += static_cast<std::uint64_t>(put);
  }
  return true;
}

std::int64_t read_at(int fd, char* data, std::size_t size, std::uint64_t at) {
  std::size_t done = 0;
  while (done < size) {
    ssize_t got = ::pread(fd, data + done, size - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<std::int64_t>(done);
}

}  // namespace weir::cache

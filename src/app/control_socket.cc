#include "app/control_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "io/sockets.h"

namespace weir {
namespace {

constexpr std::string_view kName = "/weir.sock";

std::unexpected<std::string> refuse(const std::string& path, std::string_view why) {
  return std::unexpected(fmt::format("control socket {}: {}", path, why));
}

std::unexpected<std::string> refuse_errno(const std::string& path) {
  return refuse(path, std::strerror(errno));
}

std::string directory_of(const std::string& path) {
  std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// In a directory that everyone may write to, somebody else could have put ours there first.
std::expected<void, std::string> check_directory(const std::string& directory) {
  if (!directory.starts_with("/tmp/")) return {};
  struct stat info{};
  if (::lstat(directory.c_str(), &info) != 0) return refuse_errno(directory);
  bool sound = S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() && (info.st_mode & 022) == 0;
  if (!sound) return refuse(directory, "not a directory that this user alone may write to");
  return {};
}

/// The id of the process that listens on `path`, 0 if it is not known; nothing if none does.
std::optional<pid_t> living_owner(const std::string& path) {
  Result<int> probe = open_socket(Address::unix_socket(path), {});
  if (!probe) return 0;
  sockaddr_storage storage;
  socklen_t length = Address::unix_socket(path).to_sockaddr(storage);
  bool connected = ::connect(*probe, reinterpret_cast<sockaddr*>(&storage), length) == 0;
  bool gone = !connected && (errno == ECONNREFUSED || errno == ENOENT);
  ucred owner{};
  socklen_t size = sizeof owner;
  if (connected) ::getsockopt(*probe, SOL_SOCKET, SO_PEERCRED, &owner, &size);
  ::close(*probe);
  if (gone) return std::nullopt;
  return owner.pid;
}

/// Holds the directory's lock, so that two processes that start do not remove each other's socket.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory)
      : directory_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (directory_ >= 0) ::flock(directory_, LOCK_EX);
  }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock() {
    if (directory_ >= 0) ::close(directory_);
  }

 private:
  int directory_;
};

std::expected<void, std::string> make_room(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return refuse(path, "there is a file that is not a socket");
  if (std::optional<pid_t> owner = living_owner(path)) {
    std::string who = *owner > 0 ? fmt::format("process {}", *owner) : "another process";
    return refuse(path, fmt::format("{} is running there; end it with `weir stop --control {}`, or "
                                    "start this one with another --control PATH",
                                    who, path));
  }
  if (::unlink(path.c_str()) != 0) return refuse_errno(path);
  return {};
}

}  // namespace

std::string control_path(const std::function<const char*(const char*)>& environment, uid_t user) {
  auto set = [&](const char* name) {
    const char* value = environment(name);
    return std::string_view(value != nullptr ? value : "");
  };
  std::string_view runtime = set("RUNTIME_DIRECTORY");
  runtime = runtime.substr(0, runtime.find(':'));
  // The place of the service, also for root who has logged in and has a directory of his own.
  if (runtime.empty() && user != 0) runtime = set("XDG_RUNTIME_DIR");
  std::string directory(runtime);
  if (directory.empty()) directory = user == 0 ? "/run/weir" : fmt::format("/tmp/weir-{}", user);
  return directory.append(kName);
}

std::string control_path() {
  return control_path([](const char* name) { return std::getenv(name); }, ::geteuid());
}

ControlSocket::~ControlSocket() {
  if (socket_ < 0) return;
  ::close(socket_);
  struct stat info{};
  bool ours = ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
  if (!made_directory_.empty()) ::rmdir(made_directory_.c_str());
}

std::expected<void, std::string> ControlSocket::claim(const std::string& path) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) return refuse(path, "the path is too long");
  std::string directory = directory_of(path);
  if (::mkdir(directory.c_str(), 0700) == 0) {
    made_directory_ = directory;
  } else if (errno != EEXIST) {
    return refuse_errno(path);
  }
  if (auto checked = check_directory(directory); !checked) return checked;
  DirectoryLock lock(directory);
  if (auto room = make_room(path); !room) return room;
  mode_t before = ::umask(0177);  // there is no moment at which others could connect
  Result<int> socket = KernelNetwork().bind(Address::unix_socket(path), {.reuse_port = false});
  int failed = errno;
  ::umask(before);
  if (!socket) return refuse(path, std::strerror(failed));
  socket_ = *socket;
  path_ = path;
  struct stat info{};
  if (::lstat(path.c_str(), &info) == 0) {
    device_ = info.st_dev;
    inode_ = info.st_ino;
  }
  return {};
}

void ControlSocket::give_to(uid_t user, gid_t group) {
  [[maybe_unused]] int given = ::lchown(path_.c_str(), user, group);
  if (!made_directory_.empty()) given = ::lchown(made_directory_.c_str(), user, group);
}

}  // namespace weir

// Where the control socket lies, and who owns it.
#pragma once

#include <sys/types.h>

#include <expected>
#include <functional>
#include <string>

namespace weir {

/// How the process finds the socket when no path is given; `environment` is like getenv. It is
/// `weir.sock` in the first of: $RUNTIME_DIRECTORY (set by service managers; the first of several),
/// $XDG_RUNTIME_DIR, /run/weir for root, /tmp/weir-UID.
std::string control_path(const std::function<const char*(const char*)>& environment, uid_t user);

/// The same for this process.
std::string control_path();

/// A listening socket in the file system that belongs to this process alone; removed with it.
class ControlSocket {
 public:
  ControlSocket() = default;
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  /// Binds `path` with mode 0600. A directory that is missing is made with mode 0700; one in /tmp
  /// is used only if it is this user's own. The socket of a process that is gone is replaced; that
  /// of a living one is refused, with its process id in the message. Blocks shortly.
  std::expected<void, std::string> claim(const std::string& path);

  /// Hands file and directory over before the process becomes that user, who has to remove them.
  void give_to(uid_t user, gid_t group);

  /// -1 before claim. Stays this object's.
  int socket() const { return socket_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string made_directory_;  // empty: it was there before
  int socket_ = -1;
  dev_t device_ = 0;  // of the file, so that a stranger's is never removed
  ino_t inode_ = 0;
};

}  // namespace weir

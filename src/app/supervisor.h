// Supervisor: what the process tells whoever started it and watches it: systemd, or anything else
// that speaks its notify protocol (sd_notify(3)).
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <functional>
#include <string>
#include <string_view>

#include "io/timer.h"

namespace weir {

/// Datagrams of `NAME=value` lines to the socket that NOTIFY_SOCKET names: a path, or with a
/// leading @ a name of the abstract namespace. Without the variable nobody listens, and nothing is
/// sent. Owned by the control thread, which waits a second at most for a full queue.
class Supervisor {
 public:
  using Environment = std::function<const char*(const char*)>;

  /// `self` is the id of this process: WATCHDOG_PID may name another, which is watched then.
  Supervisor(const Environment& environment, pid_t self);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  ~Supervisor();

  /// READY=1: after the start, and after a reload. `status` is for people who ask for it.
  void ready(std::string_view status);
  /// RELOADING=1, with the time as systemd wants it. `ready` ends it, whatever came of it.
  void reloading();
  /// STOPPING=1. It may take `patience` until the process has ended.
  void stopping(Duration patience, std::string_view status);

  /// The longest that may pass between two `alive`; zero: nobody waits for any.
  Duration watchdog() const { return watchdog_; }
  /// WATCHDOG=1. Left out if the queue is full: the next one will do.
  void alive();

 private:
  /// Gives what is wrong with it, or nothing.
  std::string_view open(std::string_view name);
  void send(const std::string& message, int flags);
  void complain(std::string_view why);

  int socket_ = -1;
  sockaddr_un address_{};
  socklen_t length_ = 0;
  Duration watchdog_{0};
  bool complained_ = false;
};

}  // namespace weir

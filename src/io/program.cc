#include "io/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/deadline.h"

namespace weir {
namespace {

constexpr int kStandardStreams = 3;

Error start_error(int number) {
  if (number == ENOENT) return Error(ErrorCode::not_found, Origin::weir, "no such program");
  if (number == EACCES) {
    return Error(ErrorCode::permission, Origin::weir, "the program may not be executed");
  }
  return Error(from_errno(number), Origin::weir, "the program cannot be started");
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& each : texts) all.push_back(each.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> whole_environment(std::vector<std::string> more) {
  for (char** each = environ; *each != nullptr; ++each) more.emplace_back(*each);
  return more;
}

/// How a child is to begin: signals as if nobody had touched them, no descriptor of ours.
class Start {
 public:
  Start() {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&files_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    for (int each = 0; each < kStandardStreams; ++each) {
      posix_spawn_file_actions_addopen(&files_, each, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(&files_, kStandardStreams);
  }
  ~Start() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  Start(const Start&) = delete;
  Start& operator=(const Start&) = delete;

  Result<pid_t> spawn(Program program) const {
    std::vector<std::string> environment = whole_environment(std::move(program.environment));
    pid_t child = -1;
    int number = posix_spawnp(&child, program.arguments.front().c_str(), &files_, &attributes_,
                              pointers(program.arguments).data(), pointers(environment).data());
    if (number != 0) return fail(start_error(number));
    return child;
  }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t files_;
};

/// A child until it is reaped: its number cannot be another's.
class Child {
 public:
  // glibc 2.36 declares pidfd_open without its linkage for C++.
  explicit Child(pid_t pid) : pid_(pid), fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  ~Child() {
    if (fd_ >= 0) ::close(fd_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int descriptor() const { return fd_; }
  void kill_group() const { ::kill(-pid_, SIGKILL); }
  /// Nothing while it runs.
  std::optional<ProgramEnd> reap() const {
    int state = 0;
    if (::waitpid(pid_, &state, WNOHANG) != pid_) return std::nullopt;
    if (WIFSIGNALED(state)) return ProgramEnd{0, WTERMSIG(state)};
    return ProgramEnd{WEXITSTATUS(state), 0};
  }

 private:
  pid_t pid_;
  int fd_;
};

}  // namespace

Task<Result<ProgramEnd>> ProgramRunner::run(Program program, StopToken stop) {
  reap_left();
  if (left_.size() >= kMostLeft) {
    co_return fail(ErrorCode::overloaded, Origin::weir, "programs before it cannot be killed");
  }
  if (loop_.engine() == "sim") co_return fail(ErrorCode::unsupported, Origin::weir);
  if (stop.stopped()) co_return fail(stop.reason());
  Result<pid_t> pid = Start().spawn(std::move(program));
  if (!pid) co_return fail(pid.error());
  Child child(*pid);
  Status ended = child.descriptor() < 0
                     ? fail(ErrorCode::no_descriptors, Origin::weir)
                     : co_await loop_.wait_ready(child.descriptor(), false, stop);
  child.kill_group();
  std::optional<ProgramEnd> end = child.reap();
  if (!end && child.descriptor() >= 0) {
    Deadline patience(loop_, kReap);
    Status killed = co_await loop_.wait_ready(child.descriptor(), false, patience.token());
    if (killed) end = child.reap();
  }
  if (!end) left_.push_back(*pid);
  if (!ended) co_return fail(ended.error());
  if (!end) co_return fail(ErrorCode::internal, Origin::weir, "the program is lost");
  co_return *end;
}

void ProgramRunner::reap_left() {
  std::erase_if(left_, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

}  // namespace weir

#include "io/files/file_work.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace weir {
namespace {

std::unexpected<Error> failed(const char* what) {
  return fail(ErrorCode::io, Origin::weir, errno == ENOSPC ? "the disk is full" : what);
}

Result<std::size_t> read_all(const FileOperation& operation) {
  std::size_t done = 0;
  while (done < operation.size) {
    ssize_t got = ::pread(operation.fd, operation.data + done, operation.size - done,
                          static_cast<off_t>(operation.at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("pread");
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

Result<std::size_t> write_all(const FileOperation& operation) {
  std::size_t done = 0;
  while (done < operation.size) {
    ssize_t put = ::pwrite(operation.fd, operation.data + done, operation.size - done,
                           static_cast<off_t>(operation.at + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return failed("pwrite");
    done += static_cast<std::size_t>(put);
  }
  return done;
}

Result<std::size_t> made(int fd) {
  if (fd < 0) return failed("a temporary file");
  return static_cast<std::size_t>(fd);
}

Result<std::size_t> perform(const FileOperation& operation) {
  switch (operation.kind) {
    case FileOperation::Kind::make:
      return made(::open(operation.data, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
    case FileOperation::Kind::read: return read_all(operation);
    case FileOperation::Kind::write: return write_all(operation);
  }
  return 0;
}

}  // namespace

FileWork& FileWork::of(Loop& loop) {
  static const SlotKey key;
  return loop.slots().get<FileWork>(key, [&]() -> std::unique_ptr<FileWork> {
    if (loop.engine() == "sim") return std::make_unique<FileMemory>(loop);
    return std::make_unique<FileThreads>(loop);
  });
}

// --- threads -----------------------------------------------------------------------------------

FileThreads::~FileThreads() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& each : threads_) each.join();
}

bool FileThreads::start(FileOperation& operation) {
  add({&operation, -1});
  return false;
}

void FileThreads::close(int fd) { add({nullptr, fd}); }

void FileThreads::add(Job job) {
  bool more;
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(job);
    more = jobs_.size() > idle_ && threads_.size() < kThreads;
  }
  if (more) start_thread();
  changed_.notify_one();
}

// The system may have no thread left; those that there are go on. Without any the worker itself
// waits for the disk.
void FileThreads::start_thread() {
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error&) {
    if (!threads_.empty()) return;
    for (const Job& job : jobs_) do_job(job);
    jobs_.clear();
  }
}

void FileThreads::do_job(const Job& job) {
  if (job.operation == nullptr) {
    ::close(job.fd);
    return;
  }
  job.operation->result = perform(*job.operation);
  loop_.post([&loop = loop_, done = job.operation] { loop.complete_soon(*done); });
}

void FileThreads::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the control thread's
  pthread_setname_np(pthread_self(), "files");
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = jobs_.front();
    jobs_.pop_front();
    lock.unlock();
    do_job(job);
    lock.lock();
  }
}

// --- memory ------------------------------------------------------------------------------------

bool FileMemory::start(FileOperation& operation) {
  if (operation.kind == FileOperation::Kind::make) {
    operation.result = made(::memfd_create("weir", MFD_CLOEXEC));
    if (operation.result) ++open;
  } else if (operation.kind == FileOperation::Kind::write && operation.size > room) {
    operation.result = fail(ErrorCode::io, Origin::weir, "the disk is full");
  } else {
    if (operation.kind == FileOperation::Kind::write) room -= operation.size;
    operation.result = perform(operation);
  }
  loop_.complete_soon(operation);
  return false;
}

void FileMemory::close(int fd) {
  --open;
  ::close(fd);
}

}  // namespace weir

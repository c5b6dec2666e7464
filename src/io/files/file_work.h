// Operations on files that may wait for a disk, beside the loop.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "io/loop.h"

namespace weir {

class FileWork;

/// Cannot be stopped: whoever waits owns the memory, and a disk answers in its own time. Gives the
/// descriptor, or the number of bytes: of a read fewer than asked for only at the end of the file,
/// of a write all of them. Fails with `io`.
struct FileOperation : Operation {
  enum class Kind : std::uint8_t { make, read, write };

  FileOperation(FileWork& by, Kind what, int descriptor, char* bytes, std::size_t count,
                std::uint64_t from)
      : work(by), kind(what), fd(descriptor), data(bytes), size(count), at(from) {}
  inline bool start();

  FileWork& work;
  Kind kind;
  int fd;
  char* data;  // of `make` the path of a directory
  std::size_t size;
  std::uint64_t at;
  Result<std::size_t> result{};
};

/// One per worker.
class FileWork {
 public:
  virtual ~FileWork() = default;

  /// Threads, or in the simulation no files at all: memory, and operations that end in the same
  /// turn.
  static FileWork& of(Loop& loop);

  /// A file without a name in `directory`, which lives as long as the operation. It is gone with
  /// its descriptor, also when the process dies.
  OperationAwaiter<FileOperation> make(const char* directory) {
    return OperationAwaiter<FileOperation>(StopToken(), *this, FileOperation::Kind::make, -1,
                                           const_cast<char*>(directory), 0, 0);
  }
  OperationAwaiter<FileOperation> read(int fd, char* into, std::size_t size, std::uint64_t at) {
    return OperationAwaiter<FileOperation>(StopToken(), *this, FileOperation::Kind::read, fd, into,
                                           size, at);
  }
  OperationAwaiter<FileOperation> write(int fd, std::string_view bytes, std::uint64_t at) {
    return OperationAwaiter<FileOperation>(StopToken(), *this, FileOperation::Kind::write, fd,
                                           const_cast<char*>(bytes.data()), bytes.size(), at);
  }
  /// Nobody waits for it. Giving the blocks of a large file back takes a disk its time.
  virtual void close(int fd) = 0;

  virtual bool start(FileOperation& operation) = 0;
};

/// The system calls, on threads that are started when they are first needed.
class FileThreads final : public FileWork {
 public:
  static constexpr std::size_t kThreads = 2;

  explicit FileThreads(Loop& loop) : loop_(loop) {}
  /// No operation is under way; files that wait to be closed are.
  ~FileThreads() override;

  bool start(FileOperation& operation) override;
  void close(int fd) override;

 private:
  struct Job {
    FileOperation* operation;  // null: close `fd`
    int fd;
  };
  void add(Job job);
  void start_thread();
  void run();
  void do_job(const Job& job);

  Loop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// Files in memory, for loops whose time is not that of the system.
class FileMemory final : public FileWork {
 public:
  explicit FileMemory(Loop& loop) : loop_(loop) {}
  bool start(FileOperation& operation) override;
  void close(int fd) override;

  /// What may still be written before the disk is full.
  std::uint64_t room = std::numeric_limits<std::uint64_t>::max();
  int open = 0;  // files

 private:
  Loop& loop_;
};

inline bool FileOperation::start() { return work.start(*this); }

}  // namespace weir

// DiskDirectory: the directory of a disk cache: whose it is, and where its files are.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace weir::cache {

/// A descriptor that is closed with it.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedFd();
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Everything here waits for the disk. Holds a lock: no two processes use one directory.
class DiskDirectory {
 public:
  explicit DiskDirectory(std::string path) : path_(std::move(path)) {}

  /// Makes it if it is not there, and locks it. What is wrong otherwise; empty: nothing.
  std::string lock();
  bool locked() const { return lock_.ok(); }
  /// Removes what was being written, and calls `each` with every file that there is.
  void scan(const std::function<void(std::uint64_t id)>& each);

  /// One that is being written, or -1. It has its name only from `publish` on.
  int create(std::uint64_t id);
  bool publish(std::uint64_t id);
  void discard(std::uint64_t id);
  int open(std::uint64_t id) const;
  void remove(std::uint64_t id) const;

  const std::string& path() const { return path_; }

 private:
  std::string check_marker(int marker);
  std::string name_of(std::uint64_t id) const;
  std::string folder_of(std::uint64_t id) const;
  std::string unfinished(std::uint64_t id) const;

  const std::string path_;
  OwnedFd lock_;
};

/// All of it, or false with errno.
bool write_at(int fd, const char* data, std::size_t size, std::uint64_t at);
/// As much as there is; -1: an error.
std::int64_t read_at(int fd, char* data, std::size_t size, std::uint64_t at);

}  // namespace weir::cache

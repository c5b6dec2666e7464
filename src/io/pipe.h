// Pipes through which bytes cross from socket to socket without entering user memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/result.h"
#include "core/slice.h"

namespace weir {

class PipePool;

/// A counted pipe that holds the bytes of one slice. Goes back to its pool with that slice; one
/// with bytes left in it is closed instead.
class Pipe : public SliceOwner {
 public:
  int read_end() const { return read_end_; }
  int write_end() const { return write_end_; }

 private:
  friend class PipePool;
  Pipe(PipePool& pool, int read_end, int write_end)
      : SliceOwner(&Pipe::release), pool_(pool), read_end_(read_end), write_end_(write_end) {}
  ~Pipe();
  static void release(SliceOwner* self);

  PipePool& pool_;
  Pipe* next_ = nullptr;
  std::size_t held_ = 0;
  int read_end_;
  int write_end_;
};

/// One per loop. Each pipe costs two descriptors, and the kernel's pages that it holds; so there
/// are at most kMost at a time and kKept wait for their next use. The pool outlives every slice
/// of it.
class PipePool {
 public:
  static constexpr std::size_t kBytes = 1024 * 1024;  // asked of the kernel, which may give less
  static constexpr std::uint32_t kMost = 256;
  static constexpr std::uint32_t kKept = 32;

  PipePool() = default;
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  ~PipePool();

  /// Moves what the socket has, at most `most` bytes, into a pipe: one attempt, without waiting.
  /// The result of `splice` is in errno's terms: 0 at the end, -1 with EAGAIN if nothing is there.
  /// Nothing if there is no pipe to be had: read into memory then.
  std::optional<std::ptrdiff_t> fill(int socket, std::size_t most, Slice& filled);

  /// Moves the front of a pipe's slice to the socket, one attempt; as `splice` returns it. The
  /// slice is not advanced.
  static std::ptrdiff_t drain(const Slice& from, int socket, bool more_follows);

  std::uint32_t pipes() const { return pipes_; }
  std::uint32_t kept() const { return kept_; }

 private:
  friend class Pipe;
  Pipe* take();
  void give_back(Pipe* pipe);

  Pipe* free_ = nullptr;
  std::uint32_t kept_ = 0;
  std::uint32_t pipes_ = 0;
};

}  // namespace weir

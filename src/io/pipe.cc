#include "io/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace weir {

Pipe::~Pipe() {
  ::close(read_end_);
  ::close(write_end_);
  --pool_.pipes_;
}

void Pipe::release(SliceOwner* self) {
  auto* pipe = static_cast<Pipe*>(self);
  pipe->pool_.give_back(pipe);
}

PipePool::~PipePool() {
  while (free_ != nullptr) delete std::exchange(free_, free_->next_);
}

Pipe* PipePool::take() {
  if (free_ != nullptr) {
    --kept_;
    return std::exchange(free_, free_->next_);
  }
  if (pipes_ >= kMost) return nullptr;
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
  ::fcntl(ends[0], F_SETPIPE_SZ, static_cast<int>(kBytes));
  ++pipes_;
  return new Pipe(*this, ends[0], ends[1]);
}

void PipePool::give_back(Pipe* pipe) {
  if (pipe->held_ > 0 || kept_ >= kKept) {
    delete pipe;
    return;
  }
  pipe->next_ = free_;
  free_ = pipe;
  ++kept_;
}

std::optional<std::ptrdiff_t> PipePool::fill(int socket, std::size_t most, Slice& filled) {
  Pipe* pipe = take();
  if (pipe == nullptr) return std::nullopt;
  std::size_t size = std::min(most, kBytes);
  std::ptrdiff_t got = ::splice(socket, nullptr, pipe->write_end(), nullptr, size,
                                SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got <= 0) {
    give_back(pipe);
    return got;
  }
  pipe->held_ = static_cast<std::size_t>(got);
  filled = Slice::of_pipe(pipe, pipe->read_end(), pipe->held_);
  return got;
}

std::ptrdiff_t PipePool::drain(const Slice& from, int socket, bool more_follows) {
  auto* pipe = static_cast<Pipe*>(from.owner());
  unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (more_follows ? SPLICE_F_MORE : 0U);
  std::ptrdiff_t sent = ::splice(from.file(), nullptr, socket, nullptr, from.size(), flags);
  if (sent > 0) pipe->held_ -= static_cast<std::size_t>(sent);
  return sent;
}

}  // namespace weir

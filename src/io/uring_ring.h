// The ring itself: set up, probed, and entered once per turn.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "core/arena.h"
#include "core/result.h"
#include "io/timer.h"
#include "io/uring_loop.h"

namespace weir {

/// Who a completion is for: the low bits of its user data; the rest is a pointer or an index.
enum class UringTag : std::uint64_t {
  nobody,
  read,
  write,
  hangup,
  accept,
  wakeup,
  ready,
  datagram
};
inline constexpr std::uint64_t kUringTagMask = 7;

inline std::uint64_t user_data(UringTag tag, const void* object) {
  return reinterpret_cast<std::uint64_t>(object) | static_cast<std::uint64_t>(tag);
}
inline std::uint64_t user_data(UringTag tag, std::uint32_t index) {
  return (std::uint64_t{index} << 3) | static_cast<std::uint64_t>(tag);
}

/// Submissions are queued and go to the kernel with the next wait. The ring belongs to the thread
/// that calls `begin`; until then, and after `end`, submissions are only queued.
class UringRing {
 public:
  static Result<std::unique_ptr<UringRing>> open(UringFeatures mask);
  UringRing(const UringRing&) = delete;
  UringRing& operator=(const UringRing&) = delete;
  ~UringRing();

  /// What the kernel has and the mask allows.
  const UringFeatures& features() const { return features_; }
  io_uring* raw() { return &ring_; }

  Status begin();
  void end();
  bool running() const { return running_; }

  /// An entry to fill in, with all but its user data unset. Never fails: what the queue does not
  /// hold waits in memory.
  io_uring_sqe& entry(std::uint64_t data);
  /// Memory for what an entry points to (messages, addresses); lives until it is submitted.
  Arena& arguments() { return arguments_; }
  void cancel(std::uint64_t data);

  /// Submits; then waits for a completion, until `deadline` (relative) at most, or not at all for
  /// zero. Interruptions count as a completion.
  void submit_and_wait(std::optional<Duration> timeout);
  /// Submits and lets the kernel work off what is due, without waiting.
  void flush();

  /// Calls `handle(user_data, result, flags)` for the completions that are there now; handlers
  /// may queue and submit.
  template <class Handle>
  void reap(Handle&& handle) {
    for (unsigned left = io_uring_cq_ready(&ring_); left > 0; --left) {
      io_uring_cqe* cqe = &ring_.cq.cqes[*ring_.cq.khead & ring_.cq.ring_mask];
      std::uint64_t data = cqe->user_data;
      int result = cqe->res;
      unsigned flags = cqe->flags;
      io_uring_cq_advance(&ring_, 1);
      handle(data, result, flags);
    }
  }

 private:
  UringRing() = default;
  Status set_up(UringFeatures mask);
  void probe_features(const io_uring_probe& probe);
  void drain_overflow();
  void submitted();

  io_uring ring_{};
  UringFeatures features_;
  std::deque<io_uring_sqe> overflow_;
  Arena arguments_;
  bool open_ = false;
  bool enabled_ = false;
  bool running_ = false;
};

}  // namespace weir

// Which tickets have brought early data already: each may do so once (RFC 8446, 8.1).
#pragma once

#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstdint>
#include <mutex>

namespace weir {

/// A ClientHello that is sent again is recognised by its ticket for as long as OpenSSL would still
/// take its early data: that is while the age that it states is at most 10 seconds off, rounded to
/// seconds. So tickets are forgotten after `kWindow` of them. Bounded: when it is full, early data
/// is refused and the handshake goes on without. Tickets of before the process cannot come, since
/// the keys that they are read with are as old as it. Thread safe.
class SpentTickets {
 public:
  using Digest = std::array<unsigned char, 32>;  // SHA-256 of what is secret about it
  static constexpr std::int64_t kWindow = 20;    // seconds
  static constexpr std::int64_t kMostBackwards = 2;
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kMostPerShard = 8192;  // within one window

  /// True if early data may be taken with `ticket`, and from then on no more. `now` is the wall
  /// clock in seconds, which is what OpenSSL goes by. Where it was set back all is refused until it
  /// has caught up, or what was forgotten would come to be valid again.
  bool spend(const Digest& ticket, std::int64_t now);

  /// For all workers and listeners.
  static SpentTickets& of_process();

 private:
  using Set = absl::flat_hash_set<Digest>;
  struct alignas(64) Shard {
    std::mutex mutex;
    std::int64_t newest = 0;
    Set current;  // since the beginning of the window that `newest` is in
    Set before;   // the window before it
  };

  std::array<Shard, kShards> shards_;
};

}  // namespace weir

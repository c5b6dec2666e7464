// How many clients may be connected: in the process, to one listener, from one address.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

#include "io/address.h"

namespace weir {

/// Shared by all workers; asked once per connection. IPv6 clients count by their /64.
class ConnectionLimits {
 public:
  /// `process` is shared by all listeners and outlives them.
  explicit ConnectionLimits(std::atomic<std::uint64_t>& process) : process_(process) {}

  /// 0: unlimited.
  void set(std::uint64_t process, std::uint64_t listener, std::uint64_t per_client);

  /// False when one of the limits is reached; else the connection counts until `leave`.
  bool admit(const IpAddress& client);
  void leave(const IpAddress& client);

  /// The same for a connection whose client is told later: it counts as a connection, then, from
  /// `name_proxied` on, for its client as well. False when that client has too many: it has left.
  bool admit_proxied();
  bool name_proxied(const IpAddress& client);
  void leave_proxied();

  std::uint64_t open() const { return listener_.load(std::memory_order_relaxed); }
  std::uint64_t open_in_process() const { return process_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Shard {
    std::mutex mutex;
    std::map<IpAddress, std::uint32_t> clients;
  };
  Shard& shard_of(const IpAddress& client);
  bool admit_client(const IpAddress& client);

  std::atomic<std::uint64_t>& process_;
  std::atomic<std::uint64_t> process_limit_{0};
  std::atomic<std::uint64_t> listener_limit_{0};
  std::atomic<std::uint64_t> client_limit_{0};
  std::atomic<std::uint64_t> listener_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::array<Shard, 16> shards_;
};

}  // namespace weir

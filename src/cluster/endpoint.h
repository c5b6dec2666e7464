// Endpoint: one address of a cluster, shared by all workers, kept over reloads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/address.h"
#include "io/timer.h"

namespace weir {

/// An idle connection that belongs to no worker: a socket of the network and what is known of it.
struct SharedConnection {
  int socket = -1;
  TimePoint born{};
  TimePoint idle_since{};
  std::uint32_t uses = 0;
};

/// Idle connections that one worker did not need and another may take before it connects. A
/// short critical section, entered only on surplus and on a miss.
class SharedConnections {
 public:
  static constexpr std::size_t kLimit = 64;

  /// False when the list is full or closed; the caller keeps the socket.
  bool put(const SharedConnection& connection);
  /// The one that was used last.
  std::optional<SharedConnection> take();
  /// Takes out what has been idle since before `time`, for the caller to close.
  std::vector<SharedConnection> take_older(TimePoint time);
  bool empty() const { return count_.load(std::memory_order_relaxed) == 0; }

 private:
  mutable std::mutex mutex_;
  std::vector<SharedConnection> connections_;
  std::atomic<std::size_t> count_{0};
};

class Endpoint {
 public:
  explicit Endpoint(Address where, std::string name = {})
      : address(std::move(where)),
        text(address.text()),
        host(name.empty() ? address.ip().text() : std::move(name)) {}

  const Address address;
  const std::string text;  // for logs, metrics and `host: upstream`
  const std::string host;  // what its certificate must be for: a DNS name or an IP address

  std::atomic<std::uint32_t> in_flight{0};  // exchanges under way, over all workers
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> connect_failures{0};
  std::atomic<std::uint64_t> failures{0};  // attempts that ended without a response
  SharedConnections shared;
};

/// Endpoints that answer alike, with their weights. Immutable; swapped as a whole.
struct EndpointSet {
  std::vector<std::shared_ptr<Endpoint>> endpoints;
  std::vector<std::uint32_t> weights;
  /// Indices in the order of smooth weighted round robin; one period.
  std::vector<std::uint32_t> rotation;
  std::uint64_t version = 0;

  /// Fills `rotation` from the weights.
  void make_rotation();
};

}  // namespace weir

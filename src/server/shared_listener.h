// SharedListener: what all workers share of a listener; outlives configurations.
#pragma once

#include <atomic>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/gathered.h"
#include "http/service.h"
#include "server/connection_limits.h"
#include "server/overload.h"
#include "tunnel/counters.h"
#include "tunnel/quic_paths.h"
#include "tunnel/udp_counters.h"

namespace weir {

/// What the connections of a listener are taken for.
enum class ListenerKind : std::uint8_t { http, tcp, udp };

/// Ports of UDP are other ones than those of TCP.
constexpr bool share_ports(ListenerKind a, ListenerKind b) {
  return (a == ListenerKind::udp) == (b == ListenerKind::udp);
}

struct SharedListener {
  /// `process` counts the connections of all listeners; it and `overload` outlive them.
  SharedListener(std::string_view name, Address address_, std::atomic<std::uint64_t>& process,
                 Overload& overload_, ListenerKind kind_ = ListenerKind::http)
      : address(std::move(address_)), kind(kind_), limits(process), overload(overload_) {
    rename(name);
  }

  /// Any thread. Stays where it is, for the connections that were accepted under it.
  const std::string& name() const { return *name_.load(std::memory_order_acquire); }
  /// By the thread that owns the server.
  void rename(std::string_view name) {
    name_.store(&*names_.emplace(name).first, std::memory_order_release);
  }

  const Address address;  // as configured; `bound` has the port that the kernel chose
  const ListenerKind kind;
  Address bound;
  ConnectionLimits limits;
  Overload& overload;
  std::atomic<std::uint64_t> accept_errors{0};
  std::atomic<std::uint64_t> proxy_errors{0};  // PROXY headers that did not come, or were wrong
  Gathered<SessionCounters> sessions;          // of all workers
  Gathered<TunnelCounters> tunnels;            // the same, of a TCP listener
  Gathered<UdpCounters> datagrams;             // of a UDP listener
  QuicPaths quic;                              // likewise

 private:
  std::set<std::string> names_;  // all that it ever had
  std::atomic<const std::string*> name_{nullptr};
};

}  // namespace weir

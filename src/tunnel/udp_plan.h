// UdpPlan: what a configuration says about one UDP listener, compiled.
#pragma once

#include <cstdint>
#include <memory>

#include "io/timer.h"
#include "tunnel/tcp_plan.h"

namespace weir {

struct UdpPlan {
  std::shared_ptr<const TunnelUpstream> upstream;
  Duration idle_timeout{};  // both sides silent
  /// With so many replies for each datagram of the client a session is over; 0: only silence ends
  /// it.
  std::uint32_t replies = 0;
  /// How many bytes a client gets, at most, for each one that it sent; 0: unlimited. With `quic`
  /// until it has proven that its address is its own.
  std::uint32_t amplification = 0;
  bool quic = false;  // sessions follow connection IDs; nothing else is passed on
};

}  // namespace weir

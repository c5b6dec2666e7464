// What the tunnels of one listener count, each worker for itself.
#pragma once

#include <array>
#include <cstdint>

#include "core/counter.h"
#include "core/error.h"

namespace weir {

struct TunnelCounters {
  static constexpr std::size_t kReasons = static_cast<std::size_t>(ErrorCode::internal) + 1;

  Counter received;  // bytes from clients
  Counter sent;      // bytes to clients
  /// Connections that have ended, by why; `none` for those that both sides ended in order.
  std::array<Counter, kReasons> ended;

  void count_end(ErrorCode why) { ended[static_cast<std::size_t>(why)].add(); }
  void add(const TunnelCounters& other) {
    received.add(other.received.value());
    sent.add(other.sent.value());
    for (std::size_t i = 0; i < kReasons; ++i) ended[i].add(other.ended[i].value());
  }
};

}  // namespace weir

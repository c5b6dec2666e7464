// What the sessions of one UDP listener count, each worker for itself.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/counter.h"
#include "core/error.h"

namespace weir {

/// Why a datagram was not passed on.
enum class UdpDrop : std::uint8_t {
  sessions_full,    // of a new client, while there are as many sessions as may be
  client_sessions,  // of a client that has as many sessions as it may
  overload,         // of a new client, while the process has too much to do
  no_endpoint,      // none is available, or the limits of the upstream let no session through
  endpoint,         // the endpoint did not take it
  client,           // the network did not take it on the way to the client
  amplification,    // the client would have got too much for what it sent
  not_quic,         // of a new client, where QUIC alone is passed on
};
inline constexpr std::size_t kUdpDrops = static_cast<std::size_t>(UdpDrop::not_quic) + 1;

std::string_view name(UdpDrop why);

struct UdpCounters {
  static constexpr std::size_t kReasons = static_cast<std::size_t>(ErrorCode::internal) + 1;

  Counter received;  // datagrams from clients, dropped ones included
  Counter received_bytes;
  Counter sent;  // datagrams to clients
  Counter sent_bytes;
  std::array<Counter, kUdpDrops> dropped;
  /// Sessions that have ended, by why; `none` for those that were over, or silent.
  std::array<Counter, kReasons> ended;

  void drop(UdpDrop why, std::size_t count) { dropped[static_cast<std::size_t>(why)].add(count); }
  void count_end(ErrorCode why) { ended[static_cast<std::size_t>(why)].add(); }
  void add(const UdpCounters& other) {
    received.add(other.received.value());
    received_bytes.add(other.received_bytes.value());
    sent.add(other.sent.value());
    sent_bytes.add(other.sent_bytes.value());
    for (std::size_t i = 0; i < kUdpDrops; ++i) dropped[i].add(other.dropped[i].value());
    for (std::size_t i = 0; i < kReasons; ++i) ended[i].add(other.ended[i].value());
  }
};

}  // namespace weir

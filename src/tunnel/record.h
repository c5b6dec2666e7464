// TunnelRecord: what is told of a tunnel that has ended.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/error.h"
#include "io/address.h"
#include "io/timer.h"

namespace weir {

/// Text lives for the call that tells it.
struct TunnelRecord {
  Peer client;
  std::string_view listener;
  std::string_view protocol = "tcp";
  std::string_view upstream;     // empty: no route matched
  std::string_view endpoint;     // empty: none was connected to
  std::string_view server_name;  // that the client asked for; may be empty
  Duration connect{-1};          // until the connection to the endpoint stood; -1: it never did
  Duration duration{};
  std::uint64_t received = 0;  // bytes from the client
  std::uint64_t sent = 0;      // bytes to the client
  std::uint32_t attempts = 0;  // connections that were tried
  Error error;                 // code none: both sides ended in order
};

}  // namespace weir

// Service: what a server session needs from whoever runs it: limits, and a handler per exchange.
#pragma once

#include <cstdint>

#include "core/counter.h"
#include "http/exchange.h"
#include "http/h1/chunked.h"
#include "http/h1/head_parser.h"
#include "http/handler.h"

namespace weir {

/// Limits and timeouts of downstream connections; one set per listener.
struct SessionLimits {
  h1::Limits head;
  h1::ChunkLimits chunk;
  Duration header_timeout = std::chrono::seconds(10);  // from the first byte to the whole head
  Duration idle_timeout = std::chrono::seconds(60);    // without a request
  Duration rate_grace = std::chrono::seconds(10);      // a body is looked at this often
  std::uint32_t min_rate = 128;  // bytes per second that a body must move while we wait for the
                                 // client; 0: no minimum
  Duration tunnel_idle = std::chrono::minutes(60);
  std::uint64_t max_body_bytes = 0;       // of a request; 0: unlimited
  std::uint32_t drain_bytes = 64 * 1024;  // of a request body that nobody wanted
  bool half_close_keep = false;  // a client that closed its sending side still gets its answer
  TargetOptions target;
};

/// Counters that one worker keeps about its downstream connections.
struct SessionCounters {
  Counter connections;  // since start
  Counter open;
  Counter idle;  // open, and between two requests
  Counter requests;
  Counter tunnels;  // open

  void add(const SessionCounters& other) {
    connections.add(other.connections.value());
    open.add(other.open.value());
    idle.add(other.idle.value());
    requests.add(other.requests.value());
    tunnels.add(other.tunnels.value());
  }
};

/// One per worker and listener; outlives its sessions and every configuration.
class Service {
 public:
  virtual ~Service() = default;
  virtual const SessionLimits& limits() const = 0;
  /// The chain that answers this exchange, pinned together with its configuration until the end
  /// of the exchange. Also registers log and metrics.
  virtual const Handler& attach(Exchange& exchange) = 0;
  /// The exchange has become a tunnel: lets go of the configuration.
  virtual void detach(Exchange& exchange) = 0;
  /// A connection has ended.
  virtual void closed(const Peer& peer) = 0;
  virtual SessionCounters& counters() = 0;
  virtual bool draining() const = 0;
  /// True if idle sessions are to end at once: with a drain, unless it only takes a worker away.
  virtual bool closing_idle() const { return draining(); }
};

}  // namespace weir

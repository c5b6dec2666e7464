// Service: what a server session needs from whoever runs it: limits, and a handler per exchange.
#pragma once

#include <cstdint>
#include <string>

#include "core/counter.h"
#include "core/list.h"
#include "http/abuse_budget.h"
#include "http/exchange.h"
#include "http/h1/chunked.h"
#include "http/h1/head_parser.h"
#include "http/h2/limits.h"
#include "http/handler.h"

namespace weir {

/// Limits and timeouts of downstream connections; one set per listener.
struct SessionLimits {
  h1::Limits head;
  h1::ChunkLimits chunk;
  h2::Limits http2;
  AbuseLimits abuse;
  Duration header_timeout = std::chrono::seconds(10);  // from the first byte to the whole head
  Duration idle_timeout = std::chrono::seconds(60);    // without a request
  Duration rate_grace = std::chrono::seconds(10);      // a body is looked at this often
  std::uint32_t min_rate = 128;  // bytes per second that a body must move while we wait for the
                                 // client; 0: no minimum
  Duration tunnel_idle = std::chrono::hours(1);
  std::uint64_t max_body_bytes = 0;       // of a request; 0: unlimited
  std::uint32_t drain_bytes = 64 * 1024;  // of a request body that nobody wanted
  bool half_close_keep = false;  // a client that closed its sending side still gets its answer
  std::string hsts;              // Strict-Transport-Security of every response over TLS, or empty
  TargetOptions target;
};

/// Counters that one worker keeps about its downstream connections.
struct SessionCounters {
  Counter connections;  // since start
  Counter open;
  Counter idle;  // open, and between two requests
  Counter requests;
  Counter tunnels;         // open
  Counter tls_handshakes;  // completed, resumed ones included
  Counter tls_resumed;
  Counter tls_failures;
  AbuseCounters abuse;

  void add(const SessionCounters& other) {
    connections.add(other.connections.value());
    open.add(other.open.value());
    idle.add(other.idle.value());
    requests.add(other.requests.value());
    tunnels.add(other.tunnels.value());
    tls_handshakes.add(other.tls_handshakes.value());
    tls_resumed.add(other.tls_resumed.value());
    tls_failures.add(other.tls_failures.value());
    abuse.add(other.abuse);
  }
};

/// One connection of a client, whatever it speaks, as its service sees it: linked into the
/// service's list from its beginning to its end.
class DownstreamSession : public Link {
 public:
  virtual ~DownstreamSession() = default;
  /// Closes now if no exchange is running, else after the running ones.
  virtual void drain() = 0;
  /// Ends everything at once.
  virtual void stop(const Error& why) = 0;
  /// Its worker leaves: an idle connection that can goes to another worker (`Service::hand_over`),
  /// the rest ends as with a drain.
  virtual void move_away() { drain(); }
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
  /// The client of a session speaks HTTP/2 with prior knowledge: another session takes its stream,
  /// with what was read of it, and its place among the connections (`closed` is its to call).
  /// False: it does not; `stream` stays.
  virtual bool take_over_http2(std::unique_ptr<Stream>&, const ConnectionFacts&, Slice&) {
    return false;
  }
  /// The worker leaves: idle connections are to be handed over.
  virtual bool retiring() const { return false; }
  /// Gives a connection without an exchange, with what was read of it and its place among the
  /// connections, to another worker. False: it does not, and `stream` stays.
  virtual bool hand_over(std::unique_ptr<Stream>&, const Peer&, std::string_view) { return false; }
  virtual SessionCounters& counters() = 0;
  virtual bool draining() const = 0;
};

}  // namespace weir

// TcpTunnel: a client and its endpoint, while their bytes are passed on.
#pragma once

#include <memory>
#include <string>

#include "core/list.h"
#include "core/recycle.h"
#include "io/relay.h"
#include "tunnel/endpoint_connect.h"
#include "tunnel/record.h"

namespace weir {

class TcpHost;

/// What is told of a tunnel beside what every one has.
struct TunnelNotes {
  std::string server_name;  // that the client asked for
  std::string destination;  // of a tunnel without an endpoint of a cluster
  std::uint32_t attempts = 1;

  bool needed() const { return !server_name.empty() || !destination.empty() || attempts != 1; }
};

/// In the list of its host.
struct TunnelLink : Link {};

/// 344 bytes, and with its two streams all that an idle tunnel has in user memory: no coroutine, no
/// buffer, no configuration. Owns itself, and is a child of its host's scope, from `begin` on.
class TcpTunnel final : public Relay, public TunnelLink, public Recycled<TcpTunnel> {
 public:
  /// What it begins with.
  struct Opened {
    Peer client;
    std::unique_ptr<Stream> stream;  // the client's
    TunnelConnection to;
    Slice received;     // of the client, to go out first
    Slice greeting;     // of the endpoint, likewise
    Duration idle{};    // 0: for ever
    TimePoint began{};  // the connection
    TunnelNotes notes;
  };

  /// It may have ended before this returns.
  static void begin(Opened opened, TcpHost& host);

 private:
  TcpTunnel(Opened&& opened, TcpHost& host);
  ~TcpTunnel();
  void over() override;
  TunnelRecord record() const;

  // Kept small on purpose: see above. The streams belong to the tunnel, the relay knows where
  // they are.
  Peer client_;
  std::uint32_t connect_;  // microseconds
  TimePoint began_;
  TcpHost& host_;
  std::unique_ptr<const TunnelNotes> notes_;  // null: nothing to note
  EndpointLease lease_;
};

}  // namespace weir

// TcpSession: one TCP connection of a client, from its first byte until its tunnel begins.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/list.h"
#include "core/recycle.h"
#include "core/scope.h"
#include "tunnel/counters.h"
#include "tunnel/record.h"
#include "tunnel/tcp_opening.h"
#include "tunnel/tcp_tunnel.h"

namespace weir {

/// What sessions and tunnels need from whoever runs them: one per worker and listener; outlives
/// them.
class TcpHost {
 public:
  /// What they are children of.
  virtual Scope& scope() = 0;
  /// Both sides are connected; the configuration is not needed any more.
  virtual void tunnel_began(TcpTunnel& tunnel) = 0;
  virtual void tunnel_ended(TcpTunnel& tunnel) = 0;
  /// The connection has ended, with or without a tunnel. Called once, last.
  virtual void ended(const TunnelRecord& record) = 0;

 protected:
  ~TcpHost() = default;
};

/// Linked into its host's list. What it needs is gone when the tunnel runs.
class TcpSession final : public Link, public Recycled<TcpSession> {
 public:
  /// `destination`: where the client was going, as a PROXY header or the kernel told; null: nobody
  /// did, and unless connections are intercepted it is the socket's own address.
  TcpSession(std::unique_ptr<Stream> client, const Peer& peer,
             std::shared_ptr<const Address> destination, std::shared_ptr<const TcpPlan> plan,
             Slice received, TcpHost& host);

  /// Serves until the tunnel has begun, or cannot, as a child of `scope`.
  static Scope::Child serve(Scope& scope, std::unique_ptr<TcpSession> session);

  /// The client is reset.
  void stop(const Error& why) { stop_.request(why); }

 private:
  Address destination() const;
  void become(OpenedTunnel opened, const TcpOpening& opening);
  void fail(const Error& why, const TcpOpening& opening);

  std::unique_ptr<Stream> client_;
  Peer peer_;
  std::shared_ptr<const Address> destination_;
  std::shared_ptr<const TcpPlan> plan_;
  Slice received_;
  TcpHost& host_;
  PlainStopSource stop_;
  TimePoint began_;
};

}  // namespace weir

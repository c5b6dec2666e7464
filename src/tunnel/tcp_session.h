// TcpSession: one TCP connection of a client, from its first byte to the end of its tunnel.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/list.h"
#include "core/recycle.h"
#include "core/scope.h"
#include "io/relay.h"
#include "tunnel/counters.h"
#include "tunnel/record.h"
#include "tunnel/tcp_opening.h"

namespace weir {

/// What sessions need from whoever runs them: one per worker and listener; outlives them.
class TcpHost {
 public:
  virtual TunnelCounters& tunnel_counters() = 0;
  /// Its endpoint is connected; the configuration is not needed any more.
  virtual void tunnel_began() = 0;
  virtual void tunnel_ended() = 0;
  /// The connection has ended. Called once, last.
  virtual void ended(TunnelRecord& record) = 0;

 protected:
  ~TcpHost() = default;
};

/// Linked into its host's list. Once its tunnel has begun it owns no buffer while both are silent.
class TcpSession final : public Link, public Recycled<TcpSession> {
 public:
  /// `destination`: where the client was going, as a PROXY header or the kernel told; null: nobody
  /// did, and unless connections are intercepted it is the socket's own address.
  TcpSession(std::unique_ptr<Stream> client, const Peer& peer,
             std::shared_ptr<const Address> destination, std::shared_ptr<const TcpPlan> plan,
             Slice received, TcpHost& host);

  /// Serves until both sides have ended, as a child of `scope`.
  static Scope::Child serve(Scope& scope, std::unique_ptr<TcpSession> session);

  /// Both sides are reset.
  void stop(const Error& why) { stop_.request(why); }

 private:
  [[gnu::noinline]] Task<Result<OpenedTunnel>> open();
  void end(const RelayResult& result);

  std::unique_ptr<Stream> client_;
  Peer peer_;
  std::shared_ptr<const Address> destination_;
  std::shared_ptr<const TcpPlan> plan_;  // null once the tunnel has begun
  Slice received_;
  TcpHost& host_;
  PlainStopSource stop_;
  TimePoint began_;
  Duration connect_{-1};
  std::string server_name_;
  std::string upstream_;  // of a tunnel that did not begin; else the lease knows it
  std::uint32_t attempts_ = 0;
  TunnelConnection to_;
};

}  // namespace weir

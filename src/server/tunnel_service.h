// One TCP listener on one worker: gives its connections to tunnels.
#pragma once

#include <memory>

#include "core/list.h"
#include "server/exchange_observer.h"
#include "server/listener_service.h"
#include "tunnel/tcp_session.h"

namespace weir {

class TunnelService final : public ListenerService, public TcpHost {
 public:
  TunnelService(Loop& loop, std::shared_ptr<SharedListener> shared, ExchangeObserver& observer);

  /// Tunnels go on for as long as the configuration lets them without their listener.
  void drain() override;
  /// Tunnels do not move: the worker stays until they have ended.
  void retire(MoveConnection) override {}
  void abort(const Error& why) override;

  Scope& scope() override { return scope_; }
  void tunnel_began(TcpTunnel& tunnel) override;
  void tunnel_ended(TcpTunnel&) override { counters_->tunnels.subtract(); }
  void ended(const TunnelRecord& record) override;

 private:
  struct Cut : Timer {
    using Timer::Timer;
    TunnelService* service = nullptr;
  };

  void begin(std::unique_ptr<Stream> stream, Arrival facts, Slice received) override;
  std::shared_ptr<const Address> wanted(const Stream& stream) const;

  ExchangeObserver& observer_;
  Gathered<TunnelCounters>::Part counts_;
  Link sessions_;  // whose tunnels have not begun
  Link tunnels_;
  Cut cut_;
};

}  // namespace weir

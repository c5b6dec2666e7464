// One UDP listener on one worker.
#pragma once

#include <list>

#include "server/exchange_observer.h"
#include "server/listener_service.h"
#include "tunnel/udp_listener.h"

namespace weir {

/// Sessions belong to the socket that their datagrams come to, and so to its worker: when another
/// worker takes it over, or the listener is gone, they end; what their clients send next begins
/// others.
class UdpService final : public ListenerService, public UdpHost {
 public:
  UdpService(Loop& loop, std::shared_ptr<SharedListener> shared, ExchangeObserver& observer);

  Status listen(int socket) override;
  void stop_accepting(int socket) override;
  void stop_accepting() override { sockets_.clear(); }
  void drain() override { draining_ = true; }
  void retire(MoveConnection) override { draining_ = true; }

  std::shared_ptr<const UdpPlan> udp_plan() const override { return plan_->udp; }
  UdpCounters& udp_counters() override { return *datagrams_; }
  QuicPaths& quic_paths() override { return shared_->quic; }
  std::optional<UdpDrop> admit(const IpAddress& client) override;
  void udp_began() override;
  void udp_ended(TunnelRecord& record) override;

 private:
  struct Bound {
    Bound(Loop& loop, UdpHost& host, int number) : listener(loop, host), socket(number) {}
    UdpListener listener;
    int socket;
  };

  void begin(std::unique_ptr<Stream>, Arrival, Slice) override {}

  ExchangeObserver& observer_;
  Gathered<UdpCounters>::Part datagrams_;
  std::list<Bound> sockets_;
};

}  // namespace weir

// UdpSession: one client of a UDP listener, and the endpoint that it talks to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/list.h"
#include "core/recycle.h"
#include "io/datagram.h"
#include "io/loop.h"
#include "tunnel/endpoint_lease.h"
#include "tunnel/quic_paths.h"
#include "tunnel/record.h"
#include "tunnel/udp_counters.h"
#include "tunnel/udp_plan.h"

namespace weir {

class UdpListener;

/// Who talks to whom, as the kernel tells datagrams apart.
struct UdpFlow {
  Peer client;
  IpAddress local{};  // where they come to; all zero: the address that the listener is bound to
};

/// Has a socket of its own, so that replies and refusals of its endpoint are its alone, and so that
/// who guesses at replies has to guess a port as well. An object without a coroutine; it belongs to
/// its listener.
class UdpSession final : public Link, public DatagramReceiver, public Recycled<UdpSession> {
 public:
  UdpSession(UdpListener& listener, const UdpFlow& flow, std::shared_ptr<const UdpPlan> plan);

  const UdpFlow& flow() const { return flow_; }
  /// Picks an endpoint and makes a socket to it. Errors: those of EndpointSearch, and of the
  /// socket.
  Status open() { return open(nullptr); }
  /// The same with one that is preferred. Null: the connection of QUIC is not known.
  Status open(std::shared_ptr<Endpoint> known);
  /// Passes on what the client sent. An endpoint that refuses is left for another one.
  void forward(std::span<const Datagram> datagrams);
  /// Takes replies into `batch`, addressed to the client.
  void receive(DatagramBatch& batch);
  /// Nothing more is to come.
  bool over() const;
  /// It has ended: nothing happens in it any more.
  void stop() {
    idle_.unlink();
    ended_ = true;
  }
  /// What is told of it; `error` is left to the caller.
  TunnelRecord record() const;

 private:
  struct Idle : Timer {
    using Timer::Timer;
    UdpSession* session = nullptr;
  };

  void on_readable() override;
  void touch();
  void silent();
  bool pass(Datagram& reply);
  void answered();
  bool may_get(std::size_t bytes);
  void look_for_proof(std::span<const Datagram> datagrams);
  void learn(const Datagram& reply);
  void leave_endpoint();
  std::size_t send(std::span<const Datagram> datagrams);

  Idle idle_;
  UdpListener& listener_;
  UdpFlow flow_;
  bool ended_ = false;
  bool settled_ = false;   // the client has said something after it was sent something
  bool answered_ = false;  // by the endpoint that it has now
  std::shared_ptr<const UdpPlan> plan_;
  EndpointLease lease_;
  std::unique_ptr<DatagramSocket> socket_;  // null: its endpoint has refused
  const Endpoint* refused_by_ = nullptr;    // compared only
  TimePoint began_;
  TimePoint opened_;
  std::uint64_t received_ = 0;  // bytes from the client
  std::uint64_t sent_ = 0;      // bytes to the client
  std::uint32_t datagrams_ = 0;
  std::uint32_t replies_ = 0;
  std::uint32_t attempts_ = 0;
  bool proven_ = false;                    // the client has the address that it says it has
  std::unique_ptr<QuicPaths::Hold> quic_;  // null: its endpoint has not named an ID
};

}  // namespace weir

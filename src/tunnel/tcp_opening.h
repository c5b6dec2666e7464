// TcpOpening: the beginning of a TCP tunnel: which route, over which bytes, to which endpoint.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/client_hello.h"
#include "tunnel/endpoint_connect.h"
#include "tunnel/tcp_plan.h"

namespace weir {

/// A tunnel that can begin.
struct OpenedTunnel {
  TunnelConnection to;
  Slice received;  // from the client, to go out first
  Slice greeting;  // from the endpoint, likewise
};

/// One per connection, until its tunnel begins. A client that speaks first is known by what it
/// says; one that is silent is given, after a short while, the endpoint of the route that asks for
/// no bytes, and whoever of the two speaks first decides: no server that speaks first is kept
/// waiting for a client that never will, and no slow client is taken for another.
class TcpOpening {
 public:
  /// All outlive the task. `received` is what was read of the client already.
  TcpOpening(Stream& client, const Peer& peer, Address destination, const TcpPlan& plan,
             Slice received, StopToken stop);

  /// Errors: `no_route`, `header_timeout` for a client that did not say enough, what reading gave
  /// (origin client), and those of connect_endpoint.
  Task<Result<OpenedTunnel>> run();

  const TunnelClient& client() const { return about_; }
  std::string_view upstream() const {
    bool known = route_ != nullptr && route_->upstream != nullptr;
    return known ? std::string_view(route_->upstream->cluster->name()) : std::string_view();
  }
  std::uint32_t attempts() const { return attempts_; }

 private:
  struct Race;

  TcpFacts facts() const;
  Error blame_client(const Error& error) const;
  Task<Result<TunnelConnection>> connect(const TcpRoute& route, StopToken stop);
  Task<Status> listen(const TcpRoute* silent);
  Task<Status> hear_out();
  Task<Status> race(const TcpRoute& silent);
  Task<void> await_client(Race& race);
  Task<void> await_server(Race& race);
  Status take(Slice bytes);

  Stream& stream_;
  const TcpPlan& plan_;
  StopToken stop_;
  TunnelClient about_;
  std::string received_;
  std::optional<FirstBytes> protocol_;
  ClientHelloReader reader_;
  std::size_t read_of_hello_ = 0;  // of `received_`
  bool understood_ = false;        // what could be learnt has been
  bool client_ended_ = false;
  const TcpRoute* route_ = nullptr;
  TunnelConnection connection_;  // if one was made before the route was known
  Slice greeting_;
  std::uint32_t attempts_ = 0;
};

}  // namespace weir

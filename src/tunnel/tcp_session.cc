#include "tunnel/tcp_session.h"

#include <utility>

namespace weir {
namespace {

// An end that was not in order is to look like one: a peer that got a FIN would take what it has
// for the whole. To be idle is no fault.
bool is_broken(const Error& error) {
  return error.code != ErrorCode::none && error.code != ErrorCode::idle_timeout;
}

}  // namespace

TcpSession::TcpSession(std::unique_ptr<Stream> client, const Peer& peer,
                       std::shared_ptr<const Address> destination,
                       std::shared_ptr<const TcpPlan> plan, Slice received, TcpHost& host)
    : client_(std::move(client)),
      peer_(peer),
      destination_(std::move(destination)),
      plan_(std::move(plan)),
      received_(std::move(received)),
      host_(host),
      began_(client_->loop().now()) {}

Scope::Child TcpSession::serve(Scope&, std::unique_ptr<TcpSession> session) {
  TcpSession& self = *session;
  Result<OpenedTunnel> opened = co_await self.open();
  if (!opened) {
    self.end({.error = opened.error()});
    co_return;
  }
  Duration idle = self.plan_->idle_timeout;
  self.plan_.reset();
  self.host_.tunnel_began();
  Relay relay(*self.client_, *self.to_.stream, self.stop_.token(), idle);
  relay.preload(std::move(opened->received), std::move(opened->greeting));
  RelayResult result = co_await relay.run();
  self.host_.tunnel_ended();
  self.end(result);
}

Task<Result<OpenedTunnel>> TcpSession::open() {
  Address destination;
  if (destination_) {
    destination = *destination_;
  } else if (plan_->intercept == Intercept::none) {
    destination = client_->local();
  }
  TcpOpening opening(*client_, peer_, std::move(destination), *plan_, std::move(received_),
                     stop_.token());
  Result<OpenedTunnel> opened = co_await opening.run();
  server_name_ = opening.client().server_name;
  attempts_ = opening.attempts();
  if (opened) {
    connect_ = client_->loop().now() - began_;
    to_ = std::move(opened->to);
  } else {
    upstream_ = opening.upstream();
  }
  co_return opened;
}

void TcpSession::end(const RelayResult& result) {
  if (is_broken(result.error)) {
    client_->reset_on_close();
    if (to_.stream) to_.stream->reset_on_close();
  }
  TunnelCounters& counters = host_.tunnel_counters();
  counters.received.add(result.forward);
  counters.sent.add(result.backward);
  counters.count_end(result.error.code);
  TunnelRecord record;
  record.client = peer_;
  record.upstream = to_.lease ? to_.lease.cluster_name() : std::string_view(upstream_);
  std::string endpoint;
  if (to_.lease) {
    record.endpoint = to_.lease.endpoint().text;
  } else if (to_.stream) {
    record.endpoint = endpoint = destination_->text();
  }
  record.server_name = server_name_;
  record.connect = connect_;
  record.duration = client_->loop().now() - began_;
  record.received = result.forward;
  record.sent = result.backward;
  record.attempts = attempts_;
  record.error = result.error;
  host_.ended(record);
}

}  // namespace weir

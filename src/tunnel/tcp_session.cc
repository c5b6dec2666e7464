#include "tunnel/tcp_session.h"

#include <utility>

namespace weir {

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
  TcpOpening opening(*self.client_, self.peer_, self.destination(), *self.plan_,
                     std::move(self.received_), self.stop_.token());
  Result<OpenedTunnel> opened = co_await opening.run();
  if (opened) {
    self.become(std::move(*opened), opening);
  } else {
    self.fail(opened.error(), opening);
  }
}

Address TcpSession::destination() const {
  if (destination_) return *destination_;
  return plan_->intercept == Intercept::none ? client_->local() : Address();
}

void TcpSession::become(OpenedTunnel opened, const TcpOpening& opening) {
  TcpTunnel::Opened tunnel;
  tunnel.client = peer_;
  tunnel.stream = std::move(client_);
  if (!opened.to.lease) tunnel.notes.destination = opening.client().destination.text();
  tunnel.to = std::move(opened.to);
  tunnel.received = std::move(opened.received);
  tunnel.greeting = std::move(opened.greeting);
  tunnel.idle = plan_->idle_timeout;
  tunnel.began = began_;
  tunnel.notes.server_name = opening.client().server_name;
  tunnel.notes.attempts = opening.attempts();
  unlink();
  TcpTunnel::begin(std::move(tunnel), host_);
}

void TcpSession::fail(const Error& why, const TcpOpening& opening) {
  if (why.code != ErrorCode::idle_timeout) client_->reset_on_close();
  TunnelRecord record;
  record.client = peer_;
  record.upstream = opening.upstream();
  record.server_name = opening.client().server_name;
  record.duration = client_->loop().now() - began_;
  record.attempts = opening.attempts();
  record.error = why;
  host_.ended(record);
}

}  // namespace weir

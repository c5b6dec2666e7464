#include "tunnel/tcp_tunnel.h"

#include <algorithm>
#include <utility>

#include "tunnel/tcp_session.h"

namespace weir {
namespace {

// An end that was not in order is to look like one: a peer that got a FIN would take what it has
// for the whole. To be idle is no fault.
bool is_broken(const Error& error) {
  return error.code != ErrorCode::none && error.code != ErrorCode::idle_timeout;
}

std::uint32_t in_microseconds(Duration time) {
  auto count = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  return static_cast<std::uint32_t>(std::min<decltype(count)>(count, UINT32_MAX));
}

}  // namespace

static_assert(sizeof(void*) != 8 || sizeof(TcpTunnel) <= 344);

TcpTunnel::TcpTunnel(Opened&& opened, TcpHost& host)
    : Relay(*opened.stream, *opened.to.stream, opened.idle),
      client_(opened.client),
      connect_(in_microseconds(opened.stream->loop().now() - opened.began)),
      began_(opened.began),
      host_(host),
      lease_(std::move(opened.to.lease)) {
  if (opened.notes.needed()) notes_ = std::make_unique<TunnelNotes>(std::move(opened.notes));
  preload(std::move(opened.received), std::move(opened.greeting));
  (void)opened.stream.release();
  (void)opened.to.stream.release();
}

// The connection to the endpoint is closed before its place there is free.
TcpTunnel::~TcpTunnel() {
  delete &a();
  delete &b();
}

void TcpTunnel::begin(Opened opened, TcpHost& host) {
  auto* tunnel = new TcpTunnel(std::move(opened), host);
  host.scope().enter();
  host.tunnel_began(*tunnel);
  if (tunnel->start()) tunnel->over();
}

void TcpTunnel::over() {
  TunnelRecord told = record();
  if (is_broken(told.error)) {
    a().reset_on_close();
    b().reset_on_close();
  }
  TcpHost& host = host_;
  host.tunnel_ended(*this);
  host.ended(told);
  delete this;
  host.scope().leave();
}

TunnelRecord TcpTunnel::record() const {
  RelayResult moved = result();
  TunnelRecord record;
  record.client = client_;
  record.upstream = lease_.cluster_name();
  if (lease_) record.endpoint = lease_.endpoint().text;
  record.connect = std::chrono::microseconds(connect_);
  record.duration = a().loop().now() - began_;
  record.received = moved.forward;
  record.sent = moved.backward;
  record.attempts = 1;
  record.error = moved.error;
  if (!notes_) return record;
  record.attempts = notes_->attempts;
  record.server_name = notes_->server_name;
  if (!lease_) record.endpoint = notes_->destination;
  return record;
}

}  // namespace weir

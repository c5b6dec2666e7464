#include "server/udp_service.h"

namespace weir {

UdpService::UdpService(Loop& loop, std::shared_ptr<SharedListener> shared,
                       ExchangeObserver& observer)
    : ListenerService(loop, std::move(shared)),
      observer_(observer),
      datagrams_(shared_->datagrams) {}

Status UdpService::listen(int socket) {
  Bound& bound = sockets_.emplace_back(loop_, *this, socket);
  Status opened = bound.listener.open(socket);
  if (!opened) sockets_.pop_back();
  return opened;
}

void UdpService::stop_accepting(int socket) {
  sockets_.remove_if([socket](const Bound& bound) { return bound.socket == socket; });
}

std::optional<UdpDrop> UdpService::admit(const IpAddress& client) {
  ConnectionLimits& limits = shared_->limits;
  if (!limits.admit_proxied()) return UdpDrop::sessions_full;
  if (!limits.name_proxied(client)) return UdpDrop::client_sessions;
  if (!shared_->overload.refuses_connection(limits.open_in_process())) return std::nullopt;
  limits.leave(client);
  return UdpDrop::overload;
}

void UdpService::udp_began() {
  counters_->connections.add();
  counters_->open.add();
}

void UdpService::udp_ended(TunnelRecord& record) {
  counters_->open.subtract();
  record.listener = shared_->name();
  observer_.tunnel_ended(record);
  left(record.client);
}

}  // namespace weir

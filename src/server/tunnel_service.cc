#include "server/tunnel_service.h"

namespace weir {

TunnelService::TunnelService(Loop& loop, std::shared_ptr<SharedListener> shared,
                             ExchangeObserver& observer)
    : ListenerService(loop, std::move(shared)),
      observer_(observer),
      counts_(shared_->tunnels),
      cut_([](Timer& timer) {
        static_cast<Cut&>(timer).service->abort(
            Error(ErrorCode::shutting_down, Origin::weir, "the listener has been gone for long"));
      }) {
  cut_.service = this;
}

// Where an intercepted connection was going; null: to this listener itself. Whatever the address
// was, its port alone decides where the kernel may redirect: a connection there could come back for
// ever.
std::shared_ptr<const Address> TunnelService::wanted(const Stream& stream) const {
  bool redirects = plan_->tcp->intercept == Intercept::redirect;
  Address to = redirects ? stream.redirected_from() : stream.local();
  const Address& bound = shared_->bound;
  bool here = to.port() == bound.port() && (bound.any() || bound == to || redirects);
  bool known = to.family() != Address::Family::none;
  return known && !here ? std::make_shared<const Address>(std::move(to)) : nullptr;
}

void TunnelService::begin(std::unique_ptr<Stream> stream, Arrival facts, Slice received) {
  if (plan_->tcp->intercept != Intercept::none) facts.destination = wanted(*stream);
  counters_->connections.add();
  counters_->open.add();
  auto session =
      std::make_unique<TcpSession>(std::move(stream), facts.peer, std::move(facts.destination),
                                   plan_->tcp, std::move(received), *this);
  sessions_.append(*session);
  TcpSession::serve(scope_, std::move(session));
}

void TunnelService::drain() {
  if (std::exchange(draining_, true)) return;
  loop_.timers().arm(cut_, loop_.now() + plan_->tcp->drain_timeout);
}

void TunnelService::abort(const Error& why) {
  ListenerService::abort(why);
  for (Link* link = sessions_.next(); link != &sessions_; link = link->next()) {
    static_cast<TcpSession*>(link)->stop(why);
  }
  for (Link* link = tunnels_.next(); link != &tunnels_; link = link->next()) {
    static_cast<TcpTunnel*>(static_cast<TunnelLink*>(link))->stop(why);
  }
}

void TunnelService::tunnel_began(TcpTunnel& tunnel) {
  counters_->tunnels.add();
  tunnels_.append(static_cast<TunnelLink&>(tunnel));
}

void TunnelService::ended(const TunnelRecord& record) {
  counters_->open.subtract();
  counts_->received.add(record.received);
  counts_->sent.add(record.sent);
  counts_->count_end(record.error.code);
  TunnelRecord told = record;
  told.listener = shared_->name();
  observer_.tunnel_ended(told);
  left(record.client);
}

}  // namespace weir

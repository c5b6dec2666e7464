#include "server/listener_service.h"

#include "core/log.h"
#include "io/deadline.h"
#include "io/read_proxy_header.h"
#include "io/tls/handshake.h"
#include "server/http_service.h"
#include "server/tunnel_service.h"
#include "server/udp_service.h"

namespace weir {

ListenerService::ListenerService(Loop& loop, std::shared_ptr<SharedListener> shared)
    : loop_(loop), shared_(std::move(shared)), counters_(shared_->sessions) {}

ListenerService::~ListenerService() {
  if (pinned_ != nullptr) --pinned_->pins;
}

void ListenerService::use(PinnedSnapshot& pinned, const ListenerPlan& plan) {
  ++pinned.pins;
  if (pinned_ != nullptr) --pinned_->pins;
  pinned_ = &pinned;
  plan_ = &plan;
}

Status ListenerService::listen(int socket) {
  Result<std::unique_ptr<Listener>> listener = loop_.listen(socket);
  if (!listener) return fail(listener.error());
  sources_.emplace_front(accepting_.token());
  sources_.front().listener = std::move(*listener);
  sources_.front().socket = socket;
  scope_.spawn(accept(sources_.begin()));
  return {};
}

Task<void> ListenerService::accept(Sources::iterator source) {
  Listener& listener = *source->listener;
  bool failing = false;
  while (true) {
    Result<std::unique_ptr<Stream>> stream = co_await listener.accept(source->stop.token());
    if (!stream) {
      if (source->stop.stopped()) break;
      shared_->accept_errors.fetch_add(1, std::memory_order_relaxed);
      if (!failing) {
        log("accept_failed",
            {{"listener", shared_->name()}, {"reason", name(stream.error().code)}});
      }
      failing = true;
      continue;  // the listener pauses by itself
    }
    failing = false;
    serve(std::move(*stream));
  }
  // What the kernel has handed over already is not turned away.
  while (std::unique_ptr<Stream> accepted = listener.take_accepted()) serve(std::move(accepted));
  sources_.erase(source);
}

// A client behind a proxy is known, and counted, by what the proxy says of it.
void ListenerService::serve(std::unique_ptr<Stream> stream) {
  Arrival facts;
  facts.peer = stream->peer();
  facts.listener = shared_->name();
  bool proxied = plan_->proxy_protocol && plan_->proxy_protocol->expects(facts.peer);
  if (proxied ? !shared_->limits.admit_proxied() : !shared_->limits.admit(facts.peer.ip())) {
    stream->reset_on_close();
    return;
  }
  if (!plan_->admin && shared_->overload.refuses_connection(shared_->limits.open_in_process())) {
    if (proxied) {
      shared_->limits.leave_proxied();
    } else {
      left(facts.peer);
    }
    stream->reset_on_close();
    return;
  }
  if (proxied) {
    scope_.spawn(introduce(std::move(stream), facts));
  } else {
    go_on(std::move(stream), std::move(facts), {});
  }
}

Task<void> ListenerService::introduce(std::unique_ptr<Stream> stream, Arrival facts) {
  Deadline deadline(loop_, plan_->proxy_protocol->timeout, arrivals_.token());
  Result<ProxiedStart> told = co_await read_proxy_header(*stream, deadline.token());
  if (!told) {
    shared_->proxy_errors.fetch_add(1, std::memory_order_relaxed);
    log("proxy_header_refused", {{"listener", shared_->name()},
                                 {"peer", facts.peer.ip().text()},
                                 {"reason", told.error().detail}});
    shared_->limits.leave_proxied();
    co_return;
  }
  if (!told->header.own) {
    facts.peer = told->header.source;
    facts.destination = std::make_shared<const Address>(told->header.destination);
  }
  if (!shared_->limits.name_proxied(facts.peer.ip())) {
    stream->reset_on_close();
    co_return;
  }
  go_on(std::move(stream), std::move(facts), std::move(told->rest));
}

void ListenerService::go_on(std::unique_ptr<Stream> stream, Arrival facts, Slice received) {
  if (plan_->tls) {
    scope_.spawn(secure(std::move(stream), std::move(facts), std::move(received), plan_->tls));
  } else {
    facts.stream = stream.get();
    begin(std::move(stream), std::move(facts), std::move(received));
  }
}

// The handshake has as long as a request's head. It goes on while the listener drains: what was
// accepted is served.
Task<void> ListenerService::secure(std::unique_ptr<Stream> transport, Arrival facts, Slice received,
                                   std::shared_ptr<const TlsServerProfile> profile) {
  Deadline deadline(loop_, plan_->limits.header_timeout, arrivals_.token());
  Result<std::unique_ptr<Stream>> stream =
      co_await tls_accept(std::move(transport), *profile, deadline.token(), std::move(received));
  if (!stream) {
    counters_->tls_failures.add();
    left(facts.peer);
    co_return;
  }
  facts.secure = true;
  facts.tls = (*stream)->tls();
  facts.stream = stream->get();
  counters_->tls_handshakes.add();
  if (facts.tls->resumed) counters_->tls_resumed.add();
  begin(std::move(*stream), std::move(facts), {});
}

void ListenerService::stop_accepting(int socket) {
  for (Source& source : sources_) {
    if (source.socket != socket) continue;
    source.stop.request(Error(ErrorCode::shutting_down, Origin::weir, "listener"));
    return;
  }
}

void ListenerService::stop_accepting() {
  accepting_.request(Error(ErrorCode::shutting_down, Origin::weir, "listener"));
}

void ListenerService::abort(const Error& why) {
  stop_accepting();
  arrivals_.request(why);
  draining_ = true;
}

Task<void> ListenerService::finished() { co_await scope_.join(); }

std::unique_ptr<ListenerService> make_listener_service(Loop& loop,
                                                       std::shared_ptr<SharedListener> shared,
                                                       ExchangeObserver& observer,
                                                       WorkerLoad& load) {
  if (shared->kind == ListenerKind::tcp) {
    return std::make_unique<TunnelService>(loop, std::move(shared), observer);
  }
  if (shared->kind == ListenerKind::udp) {
    return std::make_unique<UdpService>(loop, std::move(shared), observer);
  }
  return std::make_unique<HttpService>(loop, std::move(shared), observer, load);
}

}  // namespace weir

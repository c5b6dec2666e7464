#include "server/listener_service.h"

#include "core/log.h"
#include "http/h2/server_session.h"
#include "io/deadline.h"
#include "io/tls/handshake.h"
#include "server/client_address.h"

namespace weir {
namespace {

/// Lets go of the snapshot exactly once: at the end, or when the exchange becomes a tunnel.
class Pin final : public ExchangePin {
 public:
  explicit Pin(PinnedSnapshot& pinned) : pinned_(&pinned) { ++pinned.pins; }
  ~Pin() { release(); }
  void release() {
    if (pinned_ != nullptr) --pinned_->pins;
    pinned_ = nullptr;
  }
  void share(Exchange& derived) override {
    if (pinned_ != nullptr) derived.set_pin(derived.own<Pin>(*pinned_));
  }

 private:
  PinnedSnapshot* pinned_;
};

}  // namespace

ListenerService::ListenerService(Loop& loop, std::shared_ptr<SharedListener> shared,
                                 ExchangeObserver& observer, WorkerLoad& load)
    : loop_(loop),
      shared_(std::move(shared)),
      observer_(observer),
      load_(load),
      counters_(shared_->sessions) {}

ListenerService::~ListenerService() {
  if (pinned_ != nullptr) --pinned_->pins;
}

void ListenerService::use(PinnedSnapshot& pinned, const ListenerPlan& plan) {
  ++pinned.pins;
  if (pinned_ != nullptr) --pinned_->pins;
  pinned_ = &pinned;
  plan_ = &plan;
  limits_ = plan.limits;
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
        log_error("accept_failed", "listener", shared_->name(), "reason",
                  name(stream.error().code));
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

void ListenerService::serve(std::unique_ptr<Stream> stream) {
  ConnectionFacts facts{stream->peer(), shared_->name(), false};
  if (!shared_->limits.admit(facts.peer.ip())) {
    stream->reset_on_close();
    return;
  }
  if (!plan_->admin && shared_->overload.refuses_connection(shared_->limits.open_in_process())) {
    shared_->limits.leave(facts.peer.ip());
    stream->reset_on_close();
    return;
  }
  if (plan_->tls) {
    scope_.spawn(secure(std::move(stream), facts.peer, plan_->tls));
  } else {
    begin(std::move(stream), facts);
  }
}

// The handshake has as long as a request's head. It goes on while the listener drains: what was
// accepted is served.
Task<void> ListenerService::secure(std::unique_ptr<Stream> transport, Peer peer,
                                   std::shared_ptr<const TlsServerProfile> profile) {
  Deadline deadline(loop_, limits_.header_timeout, handshakes_.token());
  Result<std::unique_ptr<Stream>> stream =
      co_await tls_accept(std::move(transport), *profile, deadline.token());
  if (!stream) {
    counters_->tls_failures.add();
    closed(peer);
    co_return;
  }
  const TlsFacts& told = *(*stream)->tls();
  counters_->tls_handshakes.add();
  if (told.resumed) counters_->tls_resumed.add();
  ConnectionFacts facts{peer, shared_->name(), true, &told};
  Slice nothing;
  if (told.alpn == "h2") {
    take_over_http2(*stream, facts, nothing);
  } else {
    begin(std::move(*stream), facts);
  }
}

void ListenerService::begin(std::unique_ptr<Stream> stream, const ConnectionFacts& facts,
                            Slice received) {
  auto session = std::make_unique<h1::ServerSession>(std::move(stream), facts, *this);
  session->preload(std::move(received));
  sessions_.append(*session);
  h1::ServerSession::serve(scope_, std::move(session));
}

void ListenerService::adopt(const MovedConnection& moved) {
  Result<std::unique_ptr<Stream>> stream = loop_.adopt(moved.socket);
  if (!stream) return closed(moved.peer);
  counters_->connections.subtract();  // it has been counted where it began
  Slice received = moved.received.empty() ? Slice() : copy_slice(moved.received);
  begin(std::move(*stream), {moved.peer, shared_->name(), false}, std::move(received));
}

bool ListenerService::hand_over(std::unique_ptr<Stream>& stream, const Peer& peer,
                                std::string_view received) {
  int socket = stream->detach();
  if (socket < 0) return false;
  stream.reset();
  others_({shared_, socket, peer, std::string(received)});
  return true;
}

void ListenerService::retire(MoveConnection others) {
  others_ = std::move(others);
  for (Link* link = sessions_.next(); link != &sessions_; link = link->next()) {
    static_cast<DownstreamSession*>(link)->move_away();
  }
}

bool ListenerService::take_over_http2(std::unique_ptr<Stream>& stream, const ConnectionFacts& facts,
                                      Slice& unread) {
  auto session = std::make_unique<h2::ServerSession>(std::move(stream), facts, *this,
                                                     std::exchange(unread, Slice()));
  sessions_.append(*session);
  h2::ServerSession::serve(scope_, std::move(session));
  return true;
}

void ListenerService::closed(const Peer& peer) { shared_->limits.leave(peer.ip()); }

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

void ListenerService::drain() {
  draining_ = true;
  for (Link* link = sessions_.next(); link != &sessions_; link = link->next()) {
    static_cast<DownstreamSession*>(link)->drain();
  }
}

void ListenerService::abort(const Error& why) {
  stop_accepting();
  handshakes_.request(why);
  draining_ = true;
  for (Link* link = sessions_.next(); link != &sessions_; link = link->next()) {
    static_cast<DownstreamSession*>(link)->stop(why);
  }
}

Task<void> ListenerService::finished() { co_await scope_.join(); }

const Handler& ListenerService::attach(Exchange& exchange) {
  exchange.set_pin(exchange.own<Pin>(*pinned_));
  load_.requests.add();
  exchange.at_end([observer = &observer_, load = &load_](Exchange& ended) {
    load->requests.subtract();
    observer->exchange_ended(ended);
  });
  find_client(exchange, plan_->trusted);
  bool refused = !plan_->admin && shared_->overload.refuses_request(load_);
  return refused ? shared_->overload.refusal() : *plan_->handler;
}

// Names that live in the snapshot move to the exchange's own memory.
void ListenerService::detach(Exchange& exchange) {
  exchange.set_route(exchange.arena().copy(exchange.route()));
  exchange.upstream().name = exchange.arena().copy(exchange.upstream().name);
  static_cast<Pin*>(exchange.pin())->release();
}

}  // namespace weir

#include "server/http_service.h"

#include "http/h1/server_session.h"
#include "http/h2/server_session.h"
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

template <class F>
void for_each_session(Link& sessions, F f) {
  for (Link* link = sessions.next(); link != &sessions; link = link->next()) {
    f(static_cast<DownstreamSession&>(*link));
  }
}

}  // namespace

void HttpService::use(PinnedSnapshot& pinned, const ListenerPlan& plan) {
  ListenerService::use(pinned, plan);
  limits_ = plan.limits;
}

void HttpService::begin(std::unique_ptr<Stream> stream, Arrival facts, Slice received) {
  if (facts.tls != nullptr && facts.tls->alpn == "h2") {
    take_over_http2(stream, facts, received);
  } else {
    begin_session(std::move(stream), facts, std::move(received));
  }
}

void HttpService::begin_session(std::unique_ptr<Stream> stream, const ConnectionFacts& facts,
                                Slice received) {
  auto session = std::make_unique<h1::ServerSession>(std::move(stream), facts, *this);
  session->preload(std::move(received));
  sessions_.append(*session);
  h1::ServerSession::serve(scope_, std::move(session));
}

bool HttpService::adopt(const MovedConnection& moved) {
  Result<std::unique_ptr<Stream>> stream = loop_.adopt(moved.socket);
  if (!stream) {
    left(moved.peer);
    return true;
  }
  counters_->connections.subtract();  // it has been counted where it began
  Slice received = moved.received.empty() ? Slice() : copy_slice(moved.received);
  ConnectionFacts facts{moved.peer, shared_->name(), false};
  facts.stream = stream->get();
  begin_session(std::move(*stream), facts, std::move(received));
  return true;
}

bool HttpService::hand_over(std::unique_ptr<Stream>& stream, const Peer& peer,
                            std::string_view received) {
  int socket = stream->detach();
  if (socket < 0) return false;
  stream.reset();
  others_({shared_, socket, peer, std::string(received)});
  return true;
}

void HttpService::retire(MoveConnection others) {
  others_ = std::move(others);
  for_each_session(sessions_, [](DownstreamSession& session) { session.move_away(); });
}

bool HttpService::take_over_http2(std::unique_ptr<Stream>& stream, const ConnectionFacts& facts,
                                  Slice& unread) {
  auto session = std::make_unique<h2::ServerSession>(std::move(stream), facts, *this,
                                                     std::exchange(unread, Slice()));
  sessions_.append(*session);
  h2::ServerSession::serve(scope_, std::move(session));
  return true;
}

void HttpService::drain() {
  draining_ = true;
  for_each_session(sessions_, [](DownstreamSession& session) { session.drain(); });
}

void HttpService::abort(const Error& why) {
  ListenerService::abort(why);
  for_each_session(sessions_, [&](DownstreamSession& session) { session.stop(why); });
}

const Handler& HttpService::attach(Exchange& exchange) {
  exchange.set_pin(exchange.own<Pin>(*pinned_));
  load_.requests.add();
  exchange.at_end([observer = &observer_, load = &load_](Exchange& ended) {
    load->requests.subtract();
    observer->exchange_ended(ended);
  });
  find_client(exchange, plan_->trusted);
  if (plan_->tracing != nullptr) begin_trace(exchange);
  bool refused = !plan_->admin && shared_->overload.refuses_request(load_);
  return refused ? shared_->overload.refusal() : *plan_->handler;
}

void HttpService::begin_trace(Exchange& exchange) {
  if (TraceSink* traces = observer_.traces()) Trace::begin(exchange, *plan_->tracing, *traces);
}

// Names that live in the snapshot move to the exchange's own memory.
void HttpService::detach(Exchange& exchange) {
  exchange.set_route(exchange.arena().copy(exchange.route()));
  exchange.upstream().name = exchange.arena().copy(exchange.upstream().name);
  static_cast<Pin*>(exchange.pin())->release();
}

}  // namespace weir

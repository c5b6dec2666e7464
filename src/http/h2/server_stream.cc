#include "http/h2/server_stream.h"

#include "http/date.h"
#include "http/error_response.h"
#include "http/grpc.h"
#include "http/h2/tunnel_stream.h"
#include "http/replay.h"
#include "http/status.h"
#include "http/websocket_handshake.h"
#include "io/relay.h"

namespace weir::h2 {
namespace {

constexpr std::uint16_t kTooEarly = 425;

Reason reason_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::bad_framing:
      return error.origin == Origin::client ? Reason::protocol_error : Reason::internal_error;
    case ErrorCode::client_gone:
    case ErrorCode::cancelled:
    case ErrorCode::slow_peer:
    case ErrorCode::shutting_down: return Reason::cancel;
    default: return Reason::internal_error;
  }
}

std::string_view date_value(Exchange& exchange) {
  constexpr std::size_t kName = 6;  // "Date: "
  return exchange.arena().copy(date_line(exchange.loop().wall_now()).substr(kName, kHttpDateSize));
}

}  // namespace

ServerStream::ServerStream(ServerSession& session)
    : StreamExchange(session.loop(), session.facts_, session.stop_.token()),
      Channel(session.connection_, Origin::client, exchange_.arena()),
      session_(session) {
  exchange_.interim_sink = this;
  if (session_.count_++ > 0 || session_.phase_ != ServerSession::Phase::idle) return;
  session_.phase_ = ServerSession::Phase::active;
  session_.service_.counters().idle.subtract();
  session_.arm(session_.alarm_, session_.service_.limits().rate_grace);
}

ServerStream::~ServerStream() {
  engine().forget(*this);
  exchange_.finish_idle();  // of one that never ran
  unlink();
  session_.stream_left();
}

Scope::Child ServerStream::serve(Scope&, std::unique_ptr<ServerStream> stream) {
  ServerStream& self = *stream;
  Exchange& exchange = self.exchange_;
  exchange.outcome().started = exchange.loop().now();
  self.session_.service_.counters().requests.add();
  const Handler& handler = self.session_.service_.attach(exchange);
  Result<Response> response = fail(self.refusal_);
  if (self.too_early_) {
    response = error_response(exchange, kTooEarly, "too_early", "Please send this request again.");
  } else if (self.refusal_.code == ErrorCode::none) {
    response = co_await handler.handle(exchange);
  }
  self.responding_ = true;
  if (response) {
    if (Status agreed = self.agree(*response); !agreed) response = fail(agreed.error());
  }
  if (!response) response = self.page_for(response.error());
  Status sent = fail(exchange.outcome().error);
  if (response && response->tunnel) {
    sent = co_await self.run_tunnel(*response);
  } else if (response) {
    sent = co_await self.answer(*response);
  }
  if (!sent) self.give_up(sent.error());
  if (exchange.scope().running() > 0) {
    exchange.scope().stop(Error(ErrorCode::cancelled, Origin::weir, "answered"));
    co_await exchange.scope().join();
  }
  if (!self.tunnel_) {
    exchange.outcome().bytes_received = self.body_ != nullptr ? self.body_->taken() : 0;
    exchange.outcome().bytes_sent = self.sent();
  }
  if (sent) self.session_.budget_.earn(AbuseBudget::kGoodExchange);
  exchange.finish_idle();
  if (self.session_.service_.draining()) self.session_.drain();
  if (!sent || self.closed() || self.ended_in()) co_return;
  self.discarding_ = true;
  co_await self.discard(self.session_.service_.limits().drain_bytes, self.session_.stop_.token());
}

// --- the request -------------------------------------------------------------------------------

Headers* ServerStream::head_begins(HeadKind kind) {
  return kind == HeadKind::request ? &exchange_.request().headers : begin_trailers();
}

void ServerStream::on_head(FieldBlock& block, bool end) {
  if (block.kind() == HeadKind::trailers) return end_trailers(block);
  complete_ = true;
  Status understood = understand(block, end);
  if (!understood) refusal_ = understood.error();
  if (understood && session_.early()) face_replay();
  if (is_malformed(refusal_)) engine().accuse(Misdeed::malformed);
}

Status ServerStream::understand(FieldBlock& block, bool end) {
  Request& request = exchange_.request();
  const SessionLimits& limits = session_.service_.limits();
  request.version = Version::http_2;
  request.scheme = session_.facts_.secure ? "https" : "http";
  if (block.path.size() > limits.head.line) {
    return fail(ErrorCode::target_too_long, Origin::client, ":path");
  }
  Status made = make_request(block, limits.target, request);
  if (!made) return made;
  // One without a wish shares with others; the default of RFC 9218 would let one large response
  // hold up all that come after it, for clients that never heard of it.
  engine().prioritize(*this, block.priority.value_or(Priority{.urgency = 3, .incremental = true}));
  if (is_websocket(request.upgrade)) add_websocket_key(request.headers, exchange_.loop().random());
  bool tunnel = request.method == Method::connect || !request.upgrade.empty();
  if (tunnel && end) {
    return fail(ErrorCode::bad_framing, Origin::client, "CONNECT that ends with its head");
  }
  expect_length(tunnel ? std::nullopt : block.content_length);
  if (end || tunnel) return {};
  return make_body(block);
}

// RFC 8470, 3 and 5: early data may be a replay. What does no harm twice goes on with a word of
// warning; the rest is to be sent again when the handshake is over.
void ServerStream::face_replay() {
  Request& request = exchange_.request();
  too_early_ = !harmless_twice(request);
  if (!too_early_) request.headers.set(HeaderId::early_data, "1");
}

Status ServerStream::make_body(const FieldBlock& block) {
  std::uint64_t limit = session_.service_.limits().max_body_bytes;
  if (limit > 0 && block.content_length.value_or(0) > limit) {
    return fail(ErrorCode::body_too_large, Origin::client, "Content-Length");
  }
  body_ = exchange_.own<ChannelBody>(*this, block.content_length, block.expects_continue,
                                     exchange_.stop());
  if (limit > 0) body_->limit(limit);
  exchange_.request().body = body_;
  return {};
}

void ServerStream::violated(const Error& why) {
  engine().accuse(Misdeed::malformed);
  stop_.request(why);
}

void ServerStream::stream_closed(Closed how) {
  if (how.by_peer && !end_sent()) {
    stop_.request(Error(ErrorCode::client_gone, Origin::client, name(how.reason)));
  } else if (!end_sent()) {
    stop_.request(Error(ErrorCode::cancelled, Origin::weir, "the stream was reset"));
  }
}

void ServerStream::send_continue() {
  if (responding_ || closed()) return;
  Response interim(exchange_.arena());
  Result<FieldList> fields = response_fields(interim, 100, {}, exchange_.arena());
  if (fields) (void)engine().interim(*this, *fields);
  connection().kick();
}

// The caller's fields may go before the frame is pulled.
Task<Status> ServerStream::send_interim(const Response& response) {
  if (responding_ || closed()) co_return Status();
  Arena& arena = exchange_.arena();
  Response kept(arena);
  for (const Header& each : response.headers) {
    kept.headers.add(arena.copy(each.name()), arena.copy(each.value()));
  }
  Result<FieldList> fields = response_fields(kept, response.status, {}, arena);
  if (!fields) co_return fail(fields.error());
  Status said = engine().interim(*this, *fields);
  connection().kick();
  co_return said;
}

// --- the response ------------------------------------------------------------------------------

// The page for an error, or the error itself if there is nobody to show it to.
Result<Response> ServerStream::page_for(Error error) {
  if (stop_.stopped()) error = stop_.reason();
  exchange_.outcome().error = error;
  bool malformed = is_malformed(error) && error.origin == Origin::client;
  bool last_word = !session_.stop_.stopped() && !closed() && !malformed &&
                   error.code != ErrorCode::client_gone && error.code != ErrorCode::cancelled;
  if (!last_word) return fail(error);
  return error_response(exchange_, error);
}

// A tunnel is made only of what the origin agreed to; HTTP/2 has no accept of its own. There any
// 2xx means yes: one that an origin of HTTP/1.1 gave to a request whose Upgrade it ignored must not
// be taken for that (RFC 8441, 4).
Status ServerStream::agree(Response& response) {
  const Request& request = exchange_.request();
  if (response.tunnel == nullptr) {
    bool asked = request.method == Method::connect || !request.upgrade.empty();
    if (!asked || response.status / 100 != 2) return {};
    return fail(ErrorCode::upgrade_refused, Origin::upstream, "answered without a tunnel");
  }
  if (!is_websocket(request.upgrade) || response.status != 101) return {};
  Status agreed = check_websocket_accept(
      response.headers, request.headers.get(HeaderId::sec_websocket_key), exchange_.arena());
  remove_websocket_accept(response.headers);
  return agreed;
}

Status ServerStream::begin_response(Response& response, std::uint16_t status, Body* body,
                                    bool end) {
  ResponseFraming framing;
  framing.date = date_value(exchange_);
  bool tunnel = response.tunnel != nullptr;
  if (!tunnel && !never_has_content(status)) {
    framing.length = response.announced_length;
    if (!framing.length && response.body != nullptr) framing.length = response.body->length();
    bool unknown = response.body != nullptr || exchange_.request().method == Method::head;
    if (!framing.length && !unknown) framing.length = 0;
  }
  exchange_.set_transport_security(response.headers, session_.service_.limits().hsts);
  Result<FieldList> fields = response_fields(response, status, framing, exchange_.arena());
  if (!fields) return fail(fields.error());
  exchange_.outcome().status = status;
  exchange_.outcome().responded = exchange_.loop().now();
  Status begun = engine().respond(*this, *fields, end);
  if (begun) begin_body(body);
  connection().kick();
  return begun;
}

Task<Status> ServerStream::answer(Response& response) {
  bool content = response.body != nullptr && !never_has_content(response.status) &&
                 exchange_.request().method != Method::head;
  Body* body = content ? response.body : nullptr;
  Status begun = begin_response(response, response.status, body, !content);
  // The log may ask for them after the response itself is gone.
  exchange_.set_response_headers(exchange_.arena().make<Headers>(std::move(response.headers)));
  if (!begun) co_return begun;
  Status sent = co_await send(session_.stop_.token());
  if (!sent && exchange_.outcome().error.code == ErrorCode::none) {
    exchange_.outcome().error = stop_.stopped() ? stop_.reason() : sent.error();
  }
  co_return sent;
}

// The client's bytes were held until now: nothing reached the origin before it agreed.
Task<Status> ServerStream::run_tunnel(Response& response) {
  tunnel_ = true;
  std::uint16_t status = response.status == 101 ? 200 : response.status;
  TunnelStream own(*this);
  Status begun = begin_response(response, status, nullptr, false);
  if (!begun) co_return begun;
  session_.service_.detach(exchange_);
  session_.service_.counters().tunnels.add();
  AwaitedRelay relay(own, *response.tunnel->stream, stop_.token(),
                     session_.service_.limits().tunnel_idle);
  relay.preload(Slice(), std::move(response.tunnel->unread));
  RelayResult moved = co_await relay.run();
  exchange_.outcome().bytes_received = moved.forward;
  exchange_.outcome().bytes_sent = moved.backward;
  exchange_.outcome().error = moved.error;
  session_.service_.counters().tunnels.subtract();
  response.tunnel.reset();
  if (moved.error.code != ErrorCode::none) co_return fail(moved.error);
  co_return co_await send(session_.stop_.token());
}

// An error after the head, or one that gets no page: the client must not take it for the end.
void ServerStream::give_up(const Error& why) {
  if (exchange_.outcome().error.code == ErrorCode::none) exchange_.outcome().error = why;
  if (!closed()) reset(reason_of(why));
}

// --- slow clients ------------------------------------------------------------------------------

void ServerStream::look(std::uint64_t least) {
  std::uint64_t moved = sent() + received();
  bool slow = moved - moved_at_last_look_ < least;
  moved_at_last_look_ = moved;
  if (!slow || tunnel_ || closed()) return;
  if (discarding_) return reset(Reason::no_error);
  Error why(ErrorCode::slow_peer, Origin::client, "below the minimum rate");
  if (responding_ && blocked()) {
    // What the window keeps back may be much, and costs the client nothing.
    engine().accuse(Misdeed::stalled);
    stop_.request(why);
    reset(Reason::cancel);
  } else if (!responding_ && body_ != nullptr && body_->waiting() &&
             !grpc::is_call(exchange_.request())) {  // may be silent for as long as it likes
    engine().accuse(Misdeed::stalled);
    stop_.request(why);
  }
}

}  // namespace weir::h2

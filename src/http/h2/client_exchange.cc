#include "http/h2/client_exchange.h"

#include "http/h2/tunnel_stream.h"
#include "http/status.h"
#include "http/websocket_handshake.h"

namespace weir::h2 {

ClientExchange::ClientExchange(Exchange& exchange, ClientSession& session,
                               const h1::ClientLimits& limits, StopToken stop)
    : OnSession{ClientSession::Reference(session)},
      Channel(session.connection_, Origin::upstream, exchange.arena()),
      exchange_(exchange),
      limits_(limits),
      stop_(stop),
      watchdog_([](Timer& timer) { static_cast<Watchdog&>(timer).owner->on_watchdog(); }),
      heard_(exchange.loop()) {
  watchdog_.owner = this;
}

ClientExchange::~ClientExchange() {
  leave();
  unlink();
  if (counted_) session_->left();
}

Task<Result<Response>> ClientExchange::run(h1::ClientRequest request) {
  extended_ = !request.upgrade.empty();
  replayable_ = request.replayable;
  if (extended_) {
    if (Status agreed = co_await agree_on_upgrade(); !agreed) co_return fail(agreed.error());
  }
  if (Status begun = begin(request); !begun) co_return fail(begun.error());
  arm(limits_.response_timeout);
  if (uploading_) exchange_.scope().spawn(upload());
  while (true) {
    if (interims_passed_ < interims_count_) {
      if (Status passed = co_await pass_interim(); !passed) co_return fail(passed.error());
      continue;
    }
    if (final_) co_return make_response();
    if (closed()) co_return fail(explain(closing_error()));
    Status woke = co_await heard_.wait(stop_.token());
    if (!woke) co_return fail(explain(woke.error()));
  }
}

// A session that was lost, or closed before it looked at the request: nothing was answered, so
// the request may go elsewhere.
Error ClientExchange::explain(const Error& error) const {
  Error told = error;
  if (told.origin == Origin::weir && told.code != ErrorCode::cancelled) {
    told.origin = Origin::upstream;
  }
  if (body_begun() && !replayable_) return told.with(Retry::never);
  if (told.retry == Retry::always) return told;
  bool lost = told.code == ErrorCode::reset || told.code == ErrorCode::response_timeout ||
              told.code == ErrorCode::timeout;
  told.retry = lost && interims_count_ == 0 && !final_ ? Retry::if_unsent : Retry::never;
  return told;
}

// --- the request -------------------------------------------------------------------------------

// Whether extended CONNECT may be used is known with the origin's settings (RFC 8441, 3).
Task<Status> ClientExchange::agree_on_upgrade() {
  arm(limits_.response_timeout);
  if (!session_->knows_settings()) session_->wait_for_settings(*this);
  while (!session_->knows_settings()) {
    if (closed()) co_return fail(explain(closing_error()));
    Status woke = co_await heard_.wait(stop_.token());
    if (!woke) co_return fail(explain(woke.error()));
  }
  if (session_->allows_connect_protocol()) co_return Status();
  co_return fail(ErrorCode::unsupported, Origin::upstream, "the origin knows no extended CONNECT");
}

Status ClientExchange::begin(const h1::ClientRequest& request) {
  method_ = request.method;
  tunnel_ = extended_ || request.method == Method::connect;
  if (is_websocket(request.upgrade)) {
    websocket_key_ = request.headers->get(HeaderId::sec_websocket_key);
  }
  bool plain_connect = tunnel_ && !extended_;
  RequestParts parts{
      .method = request.method_text,
      .scheme = connection().stream().tls() != nullptr ? "https" : "http",
      .authority = plain_connect ? request.target : request.headers->get(HeaderId::host),
      .path = plain_connect ? std::string_view() : request.target,
      .protocol = request.upgrade,
      .length = request.body != nullptr ? request.body->length() : std::nullopt,
      .te_trailers = request.te_trailers};
  Result<FieldList> fields = request_fields(parts, *request.headers, arena());
  if (!fields) return fail(fields.error());
  uploading_ = request.body != nullptr;
  if (session_->free_streams() == 0) {
    return fail(ErrorCode::overloaded, Origin::upstream, "no stream is free", Retry::always);
  }
  Status opened = engine().request(*this, *fields, !uploading_ && !tunnel_);
  if (!opened) return opened;
  counted_ = true;
  session_->joined(*this);
  if (uploading_) begin_body(request.body);
  connection().kick();
  return {};
}

void ClientExchange::abandon() {
  exchange_.loop().timers().disarm(watchdog_);
  if (!closed()) reset(Reason::cancel);
  stop_.request(Error(ErrorCode::cancelled, Origin::weir, "abandoned"));
}

// A response that ended first wins: then nobody cares for the upload (RFC 9113, 8.1).
Task<void> ClientExchange::upload() {
  Status sent = co_await send(stop_.token());
  uploading_ = false;
  if (sent && !final_) arm(limits_.response_timeout);
  if (sent || closed()) co_return;
  // The origin must not take what it has for a whole request.
  reset(Reason::cancel);
  stop_.request(sent.error());
}

// --- the response ------------------------------------------------------------------------------

Headers* ClientExchange::head_begins(HeadKind kind) {
  if (kind == HeadKind::trailers) return begin_trailers();
  headers_ = arena().make<Headers>(arena());
  return headers_;
}

void ClientExchange::on_head(FieldBlock& block, bool end) {
  if (block.kind() == HeadKind::trailers) return end_trailers(block);
  if (block.error().code != ErrorCode::none) return violate(block.error());
  heard_.raise();
  if (is_interim(block.status)) {
    // 100 answers our own sending; whether the client waits for one is between it and us.
    if (block.status == 100) return arm(limits_.response_timeout);
    if (interims_count_ == kMaxInterim) {
      return violate(Error(ErrorCode::bad_gateway, Origin::upstream, "too many interim responses"));
    }
    if (interims_ == nullptr) interims_ = arena().make_array<Interim>(kMaxInterim);
    interims_[interims_count_++] = {block.status, headers_};
    return arm(limits_.response_timeout);
  }
  status_ = block.status;
  length_ = block.content_length;
  bool content = !never_has_content(status_) && method_ != Method::head;
  if (end && content && length_.value_or(0) != 0) {
    return violate(Error(ErrorCode::bad_framing, Origin::upstream, "no data after Content-Length"));
  }
  final_ = true;
  end_ = end;
  bool tunnel = tunnel_ && status_ < 300;
  if (!tunnel) expect_length(content ? length_ : std::uint64_t{0});
}

void ClientExchange::violated(const Error& why) {
  engine().accuse(Misdeed::malformed);
  stop_.request(why);
}

void ClientExchange::stream_closed(Closed) {
  heard_.raise();
  unlink();
  if (std::exchange(counted_, false)) session_->left();
}

Task<Status> ClientExchange::pass_interim() {
  Interim& next = interims_[interims_passed_++];
  if (exchange_.interim_sink == nullptr || stop_.stopped()) co_return Status();
  Response interim(arena());
  interim.status = next.status;
  interim.headers = std::move(*next.headers);
  co_return co_await exchange_.interim_sink->send_interim(interim);
}

Result<Response> ClientExchange::make_response() {
  exchange_.loop().timers().disarm(watchdog_);
  if (tunnel_ && status_ < 300 && !end_) return make_tunnel();
  Response response(arena());
  response.status = status_;
  response.headers = std::move(*headers_);
  bool content = !never_has_content(status_) && method_ != Method::head;
  if (content && !end_) {
    body_ = exchange_.own<ChannelBody>(*this, length_, false, stop_.token());
    response.body = body_;
    arm(limits_.idle_timeout);
  } else if (!content) {
    response.announced_length = length_;
  }
  return response;
}

// As HTTP/1.1 would have answered: handlers and the other side of the proxy see no difference.
Response ClientExchange::make_tunnel() {
  Response response(arena());
  response.status = extended_ ? 101 : status_;
  response.headers = std::move(*headers_);
  if (!websocket_key_.empty()) add_websocket_accept(response.headers, websocket_key_);
  response.tunnel =
      std::make_unique<Tunnel>(std::unique_ptr<Stream>(new TunnelStream(*this)), Slice());
  return response;
}

// --- time --------------------------------------------------------------------------------------

void ClientExchange::arm(Duration time) {
  exchange_.loop().timers().arm(watchdog_, exchange_.loop().now() + time);
}

// Between the request and the head it is the response's deadline; while a body flows, progress is
// looked at. A client that does not send, or does not take its bytes, is not the origin's fault.
void ClientExchange::on_watchdog() {
  ErrorCode code = final_ ? ErrorCode::idle_timeout : ErrorCode::response_timeout;
  if (final_ || uploading_) {
    std::uint64_t progress = received() + sent();
    bool waiting = (body_ != nullptr && body_->waiting()) || (uploading_ && !resting());
    if (!waiting || progress != progress_seen_) {
      progress_seen_ = progress;
      if (!closed()) arm(final_ ? limits_.idle_timeout : limits_.response_timeout);
      return;
    }
  }
  reset(Reason::cancel);
  stop_.request(Error(code, Origin::upstream, final_ ? "the body stalled" : "no response head"));
}

}  // namespace weir::h2

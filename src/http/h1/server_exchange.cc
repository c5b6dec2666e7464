#include "http/h1/server_exchange.h"

#include <algorithm>
#include <cstring>

#include "http/date.h"
#include "http/error_response.h"
#include "http/h1/writer.h"
#include "http/replay.h"
#include "http/status.h"
#include "io/relay.h"
#include "io/tls/settle.h"

namespace weir::h1 {
namespace {

constexpr Duration kFarewell = std::chrono::seconds(5);
// A head in pieces as small as this is no ordinary client's, beyond what a person types.
constexpr std::size_t kSmallPiece = 64;
constexpr unsigned kFreePieces = 16;

}  // namespace

// Waits until an interim response has gone out: one writer at a time.
auto ServerExchange::writer_free() {
  struct Awaiter {
    ServerExchange& self;
    bool await_ready() const { return !self.writing(); }
    void await_suspend(std::coroutine_handle<> waiter) const { self.waiting_writer_ = waiter; }
    void await_resume() const {}
  };
  return Awaiter{*this};
}

// A write to the client that can be watched: how much of it is left says how fast the client is.
struct ServerExchange::ClientWrite : OperationAwaiter<StreamWrite> {
  ClientWrite(ServerExchange& owner, std::span<Slice> slices, bool ends)
      : OperationAwaiter(owner.write_token(), *owner.session_.stream_, slices), self(owner) {
    last = ends && !owner.keep_alive_ && !owner.session_.early();
  }

  void await_suspend(std::coroutine_handle<> waiter) {
    self.write_ = this;
    OperationAwaiter::await_suspend(waiter);
  }
  Status await_resume() {
    self.write_ = nullptr;
    if (self.waiting_writer_) std::exchange(self.waiting_writer_, nullptr).resume();
    return OperationAwaiter::await_resume();
  }

  ServerExchange& self;
};

auto ServerExchange::write(std::span<Slice> slices, bool ends) {
  return ClientWrite(*this, slices, ends);
}

ServerExchange::ServerExchange(ServerSession& session)
    : session_(session), exchange_(session.stream_->loop(), session.facts_, session.stop_.token()) {
  exchange_.interim_sink = this;
}

ServerExchange::~ServerExchange() = default;

Task<bool> ServerExchange::run() {
  const SessionLimits& limits = session_.service_.limits();
  session_.enter(ServerSession::Phase::head, limits.header_timeout);
  HeadBuffer buffer(std::exchange(session_.unread_, Slice()));
  Result<bool> head = parse_head(buffer);
  unsigned small_pieces = 0;
  while (head && !*head) {
    Result<Slice> more = co_await session_.stream_->read(session_.stop_.token());
    // A request cut short, or nothing but an empty line: there is nobody left to tell.
    if (!more && more.error().code == ErrorCode::end_of_stream) co_return false;
    bool small = more && more->size() < kSmallPiece;
    if (small && ++small_pieces > kFreePieces) session_.misdeed(Misdeed::continuation);
    if (more) buffer.append(std::move(*more), exchange_.arena());
    head = more ? parse_head(buffer) : fail(more.error());
  }
  exchange_.outcome().started = exchange_.loop().now();
  session_.service_.counters().requests.add();
  Status understood = head ? understand() : fail(head.error());
  if (understood && session_.early()) understood = co_await face_replay();
  const Handler& handler = session_.service_.attach(exchange_);
  session_.enter(ServerSession::Phase::exchange, limits.rate_grace);

  Result<Response> response = fail(ErrorCode::internal, Origin::weir);
  if (!understood) {
    keep_alive_ = false;
    session_.linger_ = true;
    response = fail(understood.error());
  } else {
    session_.stream_->watch_hangup(&session_.hangup_);
    response = co_await handler.handle(exchange_);
  }
  responding_ = true;
  if (writing()) co_await writer_free();
  if (response && response->tunnel) co_return co_await run_tunnel(std::move(*response));
  if (!response) response = page_for(response.error());
  Status sent = response ? co_await send(*response) : fail(response.error());
  if (!sent && exchange_.outcome().error.code == ErrorCode::none) {
    exchange_.outcome().error = sent.error();
  }
  if (exchange_.scope().running() > 0) {
    exchange_.scope().stop(Error(ErrorCode::cancelled, Origin::weir, "answered"));
    co_await exchange_.scope().join();
  }
  bool reusable = sent && keep_alive_ && (body_is_over() || co_await drop_body());
  if (!sent && until_close_) session_.stream_->reset_on_close();  // its end would look like a whole
  // A client that was not about to close may have sent more, and closing over unread bytes is a
  // reset that can destroy the response (RFC 9112, 9.6).
  bool sends_more = framing_.keep_alive || (body_ != nullptr && !body_->complete());
  if (sent && !reusable && sends_more) session_.linger_ = true;
  session_.judge(exchange_.outcome().error);
  exchange_.outcome().bytes_received = body_ != nullptr ? body_->received() : 0;
  exchange_.outcome().bytes_sent = sent_;
  exchange_.finish_idle();
  co_return reusable;
}

// --- the request -------------------------------------------------------------------------------

// True once the head is complete.
Result<bool> ServerExchange::parse_head(HeadBuffer& buffer) {
  Result<std::size_t> length =
      parse_request_head(buffer.view(), buffer.seen(), session_.service_.limits().head, head_,
                         exchange_.request().headers);
  if (!length) return fail(length.error());
  if (*length == 0) return false;
  head_bytes_ = buffer.take(*length, session_.unread_);
  return true;
}

Status ServerExchange::understand() {
  Request& request = exchange_.request();
  request.method = head_.method;
  request.method_text = head_.method_text;
  request.version = head_.minor_version == 0 ? Version::http_1_0 : Version::http_1_1;
  request.scheme = session_.facts_.secure ? "https" : "http";
  Result<Framing> framing = request_framing(head_, request.headers);
  if (!framing) return fail(framing.error());
  framing_ = *framing;
  keep_alive_ = framing_.keep_alive;
  request.upgrade = framing_.upgrade;
  request.te_trailers = framing_.te_trailers;
  Result<Target> target = parse_target(head_.target, target_rule(head_.method_text),
                                       exchange_.arena(), session_.service_.limits().target);
  if (!target) return fail(target.error());
  request.target = *target;
  if (Status found = find_authority(); !found) return found;
  return make_body();
}

// RFC 9112, 3.2.2: a target in absolute form wins, and Host is replaced by it.
Status ServerExchange::find_authority() {
  Request& request = exchange_.request();
  if (request.target.form == TargetForm::absolute || request.target.form == TargetForm::authority) {
    request.authority = request.target.authority;
  } else if (const Header* host = request.headers.find(HeaderId::host)) {
    if (host->value().empty()) return fail(ErrorCode::bad_host, Origin::client, "empty Host");
    Result<Authority> authority = parse_authority(host->value(), exchange_.arena());
    if (!authority) return fail(authority.error());
    request.authority = *authority;
  }
  return {};
}

Status ServerExchange::make_body() {
  if (!framing_.has_body()) return {};
  std::uint64_t limit = session_.service_.limits().max_body_bytes;
  if (limit > 0 && framing_.has_length && framing_.length > limit) {
    return fail(ErrorCode::body_too_large, Origin::client, "Content-Length");
  }
  if (framing_.expect_continue && exchange_.request().version == Version::http_1_0) {
    framing_.expect_continue = false;  // RFC 9110, 10.1.1: ignored in HTTP/1.0
  }
  Incoming from{session_.stream_.get(), &session_.unread_, exchange_.stop(), Origin::client};
  body_ = exchange_.own<IncomingBody>(from, framing_, session_.service_.limits().chunk,
                                      exchange_.arena(), this);
  if (limit > 0) body_->limit(limit);
  exchange_.request().body = body_;
  return {};
}

// RFC 8470, 3 and 5.1: early data may be a replay. What does no harm twice goes on with a word of
// warning; the rest waits until the client has shown that it is there.
Task<Status> ServerExchange::face_replay() {
  Request& request = exchange_.request();
  if (harmless_twice(request)) {
    request.headers.set(HeaderId::early_data, "1");
    co_return Status();
  }
  Result<Slice> settled = co_await settle(*session_.stream_, session_.stop_.token());
  if (!settled) co_return fail(settled.error().with(Origin::client));
  co_return Status();
}

Task<Status> ServerExchange::send_continue() {
  // The upload asks for this while the origin's interim responses pass through.
  if (writing()) co_await writer_free();
  if (responding_) co_return fail(ErrorCode::cancelled, Origin::weir, "already answered");
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  Slice line[1] = {Slice::unowned(kContinue)};
  co_return co_await write(line);
}

Task<Status> ServerExchange::send_interim(const Response& response) {
  if (responding_ || exchange_.request().version == Version::http_1_0) co_return Status();
  std::size_t size = response_head_size(response.status, response.reason, response.headers);
  char* out = exchange_.arena().allocate(size);
  HeadWriter writer(out, out + size);
  writer.status_line(response.status, response.reason);
  writer.fields(response.headers);
  Result<std::string_view> text = writer.finish();
  if (!text) co_return fail(text.error());
  Slice head[1] = {Slice::unowned(*text)};
  if (writing()) co_await writer_free();
  co_return co_await write(head);
}

// Whether it is clear already that the connection cannot outlive the request's body: it is broken,
// the client was not told to send it and may never do so, or nobody reads it and it is too long to
// drop.
bool ServerExchange::gives_up_body() {
  if (body_is_over()) return false;
  if (body_->broken() || (framing_.expect_continue && body_->received() == 0)) return true;
  return exchange_.scope().running() == 0 && framing_.has_length &&
         framing_.length - body_->received() > session_.service_.limits().drain_bytes;
}

// What the handler left of the request body must be gone before the next request (RFC 9112, 9.3).
// The minimum rate bounds how long that takes. A body may turn out broken after its response began.
Task<bool> ServerExchange::drop_body() {
  std::uint64_t limit = body_->received() + session_.service_.limits().drain_bytes;
  while (!body_->complete() && body_->received() <= limit) {
    if (Result<Slice> dropped = co_await body_->read(); !dropped) break;
  }
  co_return body_is_over();
}

// --- the response ------------------------------------------------------------------------------

StopToken ServerExchange::write_token() {
  return farewell_ ? farewell_->stop.token() : session_.stop_.token();
}

std::uint64_t ServerExchange::moved() const {
  std::uint64_t moved = sent_ + (body_ != nullptr ? body_->received() : 0);
  if (write_ != nullptr) {
    for (const Slice& slice : write_->data) moved -= std::min<std::uint64_t>(moved, slice.size());
  }
  return moved;
}

// The page for an error, or the error itself if there is nobody to show it to.
Result<Response> ServerExchange::page_for(Error error) {
  exchange_.outcome().error = error;
  if (session_.stop_.stopped()) {
    error = session_.stop_.reason();
    exchange_.outcome().error = error;
    if (error.code != ErrorCode::header_timeout && error.code != ErrorCode::slow_peer) {
      return fail(error);
    }
    // The connection has been given up; the last word gets a few seconds of its own.
    farewell_.emplace();
    farewell_->alarm.stop = &farewell_->stop;
    exchange_.loop().timers().arm(farewell_->alarm, exchange_.loop().now() + kFarewell);
    keep_alive_ = false;
    session_.linger_ = true;
  }
  if (error.code == ErrorCode::client_gone || error.code == ErrorCode::cancelled) {
    return fail(error);
  }
  return error_response(exchange_, error);
}

// Decides how the response is framed. False if it has no content to send.
bool ServerExchange::plan(Response& response) {
  const Request& request = exchange_.request();
  const Service& service = session_.service_;
  if (service.draining() || (service.retiring() && !session_.movable())) keep_alive_ = false;
  if (gives_up_body()) keep_alive_ = false;
  if (never_has_content(response.status)) return false;
  if (response.body == nullptr) return false;
  std::optional<std::uint64_t> length = response.body->length();
  if (!length) {
    chunked_ = request.version != Version::http_1_0;
    until_close_ = !chunked_;
    if (until_close_) keep_alive_ = false;
  }
  return request.method != Method::head;
}

Result<Slice> ServerExchange::write_head(const Response& response) {
  static constexpr std::size_t kOwnFields = 160;  // Date, framing, Connection
  std::size_t size =
      response_head_size(response.status, response.reason, response.headers) + kOwnFields;
  char* out = exchange_.arena().allocate(size);
  HeadWriter writer(out, out + size);
  writer.status_line(response.status, response.reason);
  if (!response.headers.has(HeaderId::date)) {
    writer.raw(date_line(exchange_.loop().wall_now()));
  }
  writer.fields(response.headers);
  write_framing(writer, response);
  Result<std::string_view> text = writer.finish();
  if (!text) return fail(text.error());
  return Slice::unowned(*text);
}

void ServerExchange::write_framing(HeadWriter& writer, const Response& response) {
  if (response.tunnel != nullptr) {
    if (response.status != 101) return;
    writer.field(HeaderId::connection, "upgrade");
    writer.field(HeaderId::upgrade, exchange_.request().upgrade);
    return;
  }
  if (chunked_) {
    writer.raw("Transfer-Encoding: chunked\r\n");
  } else if (!never_has_content(response.status) && !until_close_) {
    // To HEAD the length that GET would have is said, if it is known.
    bool unknown = response.body == nullptr && exchange_.request().method == Method::head;
    std::uint64_t length = response.body != nullptr ? *response.body->length() : 0;
    if (response.announced_length) {
      writer.field(HeaderId::content_length, *response.announced_length);
    } else if (!unknown) {
      writer.field(HeaderId::content_length, length);
    }
  }
  if (!keep_alive_) {
    writer.raw("Connection: close\r\n");
  } else if (exchange_.request().version == Version::http_1_0) {
    writer.raw("Connection: keep-alive\r\n");
  }
}

// Head and first bytes leave in one call; after that everything that is there at once.
Task<Status> ServerExchange::send(Response& response) {
  bool content = plan(response);
  exchange_.set_transport_security(response.headers, session_.service_.limits().hsts);
  Result<Slice> head = write_head(response);
  if (!head) co_return fail(head.error());
  exchange_.outcome().status = response.status;
  exchange_.outcome().responded = exchange_.loop().now();
  // The log may ask for them after the response itself is gone.
  exchange_.set_response_headers(exchange_.arena().make<Headers>(std::move(response.headers)));
  Pieces pieces;
  pieces.add(std::move(*head));
  if (!content) co_return co_await write(pieces.span(), true);
  Body& body = *response.body;
  if (session_.stream_->splices()) body.let_pass();
  bool head_waits = true;
  bool end = false;
  while (!end) {
    pieces.begin_chunk(chunked_);
    end = gather(body, pieces);
    if (!end && pieces.payload() == 0 && !head_waits) {
      Result<Slice> next = co_await body.read();
      if (!next) co_return fail(next.error());
      end = next->empty();
      if (!end) pieces.add(std::move(*next));
    }
    pieces.end_chunk();
    sent_ += pieces.payload();
    if (end && chunked_) {
      const Headers* trailers = exchange_.request().te_trailers ? body.trailers() : nullptr;
      Status framed = pieces.add_last_chunk(trailers, exchange_.arena());
      if (!framed) co_return framed;
    }
    Status written = co_await write(pieces.span(), end);
    if (!written) co_return written;
    pieces.clear();
    head_waits = false;
  }
  co_return Status();
}

// Everything that is there at once; true at the end of the body.
bool ServerExchange::gather(Body& body, Pieces& pieces) {
  while (!pieces.full()) {
    std::optional<Slice> piece = body.try_read();
    if (!piece) return false;
    if (piece->empty()) return true;
    pieces.add(std::move(*piece));
  }
  return false;
}

// The client's bytes were held until now: nothing reached the origin before it agreed.
Task<bool> ServerExchange::run_tunnel(Response response) {
  std::unique_ptr<Tunnel> tunnel = std::move(response.tunnel);
  response.tunnel = std::make_unique<Tunnel>();  // tells write_head what it is
  exchange_.set_transport_security(response.headers, session_.service_.limits().hsts);
  Result<Slice> head = write_head(response);
  exchange_.outcome().status = response.status;
  exchange_.outcome().responded = exchange_.loop().now();
  session_.stream_->watch_hangup(nullptr);
  session_.enter(ServerSession::Phase::tunnel, {});
  if (head) {
    session_.service_.detach(exchange_);
    session_.service_.counters().tunnels.add();
    Slice first[1] = {std::move(*head)};
    Status sent = co_await write(first);
    if (sent) {
      AwaitedRelay relay(*session_.stream_, *tunnel->stream, session_.stop_.token(),
                         session_.service_.limits().tunnel_idle);
      relay.preload(std::exchange(session_.unread_, Slice()), std::move(tunnel->unread));
      RelayResult moved = co_await relay.run();
      exchange_.outcome().bytes_received = moved.forward;
      exchange_.outcome().bytes_sent = moved.backward;
      exchange_.outcome().error = moved.error;
    }
    session_.service_.counters().tunnels.subtract();
  } else {
    exchange_.outcome().error = head.error();
  }
  tunnel.reset();
  co_await exchange_.finish();
  co_return false;
}

}  // namespace weir::h1

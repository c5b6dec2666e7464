#include "http/h1/server_exchange.h"

#include <algorithm>
#include <cstring>

#include "http/date.h"
#include "http/error_response.h"
#include "http/h1/writer.h"
#include "http/status.h"
#include "io/relay.h"

namespace weir::h1 {
namespace {

constexpr std::size_t kBatchSlices = 16;
constexpr std::size_t kBatchBytes = 512 * 1024;

}  // namespace

/// What is written in one call: [chunk head] slices [chunk end].
struct ServerExchange::Pieces {
  std::array<Slice, kBatchSlices + 4> slices;
  std::size_t count = 0;
  std::size_t bytes = 0;
  char chunk_head[kMaxChunkHead];

  bool full() const { return count >= kBatchSlices || bytes >= kBatchBytes; }
  void add(Slice slice) {
    bytes += slice.size();
    slices[count++] = std::move(slice);
  }
  std::span<Slice> span() { return {slices.data(), count}; }
};

ServerExchange::ServerExchange(ServerSession& session)
    : session_(session), exchange_(session.stream_->loop(), session.facts_, session.stop_.token()) {
  exchange_.interim_sink = this;
}

ServerExchange::~ServerExchange() = default;

std::uint64_t ServerExchange::moved() const {
  return sent_ + (body_ != nullptr ? body_->received() : 0);
}

Task<bool> ServerExchange::run() {
  const SessionLimits& limits = session_.service_.limits();
  session_.enter(ServerSession::Phase::head, limits.header_timeout);
  Status head = co_await read_head();
  exchange_.outcome().started = exchange_.loop().now();
  if (!head && head.error().code == ErrorCode::end_of_stream) co_return false;
  session_.service_.counters().requests.add();
  if (head) head = understand();
  const Handler& handler = session_.service_.attach(exchange_);
  session_.enter(ServerSession::Phase::exchange, limits.rate_grace);

  Result<Response> response = Response(exchange_.arena());
  if (!head) {
    keep_alive_ = false;
    session_.linger_ = true;
    response = fail(head.error());
  } else {
    session_.stream_->watch_hangup(&session_.hangup_);
    response = co_await handler.handle(exchange_);
  }
  if (response && response->tunnel != nullptr) co_return co_await run_tunnel(std::move(*response));
  Status sent = co_await respond(std::move(response));
  if (!sent && exchange_.outcome().error.code == ErrorCode::none) {
    exchange_.outcome().error = sent.error();
  }
  bool reusable = sent && keep_alive_;
  if (exchange_.scope().running() > 0) {
    exchange_.scope().stop(Error(ErrorCode::cancelled, Origin::weir, "answered"));
    co_await exchange_.scope().join();
  }
  if (reusable) reusable = co_await body_is_over();
  exchange_.outcome().bytes_received = body_ != nullptr ? body_->received() : 0;
  exchange_.outcome().bytes_sent = sent_;
  co_await exchange_.finish();
  co_return reusable;
}

// --- the request -------------------------------------------------------------------------------

// The common case parses in place what one read brought. A head in several pieces is gathered in
// the arena, whose buffer doubles, so that dripping costs linear time.
Task<Status> ServerExchange::read_head() {
  const Limits& limits = session_.service_.limits().head;
  Slice bytes = std::exchange(session_.unread_, Slice());
  char* gathered = nullptr;
  std::size_t capacity = 0;
  std::size_t seen = 0;
  while (true) {
    Result<std::size_t> length =
        parse_request_head(bytes.view(), seen, limits, head_, exchange_.request().headers);
    if (!length) co_return fail(length.error());
    if (*length > 0) {
      head_bytes_ = bytes.take(*length);
      if (bytes.empty()) {
        bytes = Slice();
      } else if (gathered != nullptr) {
        bytes = copy_slice(bytes.view());  // the arena goes with this exchange
      }
      session_.unread_ = std::move(bytes);
      co_return Status();
    }
    seen = bytes.size();
    Result<Slice> more = co_await session_.stream_->read(session_.stop_.token());
    if (!more) {
      if (more.error().code != ErrorCode::end_of_stream) co_return fail(more.error());
      // Nothing but an empty line, or a request cut short: there is nobody left to tell.
      co_return fail(ErrorCode::end_of_stream, Origin::client, "inside the head");
    }
    std::size_t total = seen + more->size();
    if (total > capacity) {
      capacity = std::max<std::size_t>(total, 2 * seen);
      char* larger = exchange_.arena().allocate(capacity);
      std::memcpy(larger, bytes.data(), seen);
      gathered = larger;
    }
    std::memcpy(gathered + seen, more->data(), more->size());
    bytes = Slice::unowned({gathered, total});
  }
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
  make_body();
  return {};
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

void ServerExchange::make_body() {
  if (!framing_.has_body()) return;
  if (framing_.expect_continue && exchange_.request().version == Version::http_1_0) {
    framing_.expect_continue = false;  // RFC 9110, 10.1.1: ignored in HTTP/1.0
  }
  Incoming from{session_.stream_.get(), &session_.unread_, exchange_.stop(), Origin::client};
  body_ = exchange_.own<IncomingBody>(from, framing_, session_.service_.limits().chunk,
                                      exchange_.arena(), this);
  exchange_.request().body = body_;
}

Task<Status> ServerExchange::send_continue() {
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
  co_return co_await write(head);
}

// What the handler left of the request body must be gone before the next request (RFC 9112, 9.3).
Task<bool> ServerExchange::body_is_over() {
  if (body_ == nullptr || body_->complete()) co_return true;
  session_.linger_ = true;
  if (framing_.expect_continue && body_->received() == 0) co_return false;
  std::uint64_t limit = body_->received() + session_.service_.limits().drain_bytes;
  // The exchange's own scope has stopped; what is read here goes by the connection's.
  while (!body_->complete() && body_->received() <= limit) {
    std::optional<Slice> piece = body_->try_read();
    if (!piece) co_return false;
  }
  session_.linger_ = !body_->complete();
  co_return body_->complete();
}

// --- the response ------------------------------------------------------------------------------

// Waits until an interim response has gone out: one writer at a time.
auto ServerExchange::writer_free() {
  struct Awaiter {
    ServerExchange& self;
    bool await_ready() const { return !self.writing_; }
    void await_suspend(std::coroutine_handle<> waiter) const { self.waiting_writer_ = waiter; }
    void await_resume() const {}
  };
  return Awaiter{*this};
}

Task<Status> ServerExchange::write(std::span<Slice> slices) {
  writing_ = true;
  Status done = co_await session_.stream_->write(slices, session_.stop_.token());
  writing_ = false;
  if (waiting_writer_) std::exchange(waiting_writer_, nullptr).resume();
  co_return done;
}

Task<Status> ServerExchange::respond(Result<Response> result) {
  responding_ = true;
  co_await writer_free();
  if (result) co_return co_await send(*result);
  Error error = result.error();
  exchange_.outcome().error = error;
  if (error.code == ErrorCode::client_gone || error.code == ErrorCode::cancelled) {
    co_return fail(error);
  }
  if (session_.stop_.stopped()) {
    const Error& why = session_.stop_.reason();
    exchange_.outcome().error = why;
    if (why.code != ErrorCode::header_timeout && why.code != ErrorCode::slow_peer) {
      co_return fail(why);
    }
    error = why;
    keep_alive_ = false;
    session_.linger_ = true;
  }
  Response page = error_response(exchange_, error);
  co_return co_await send(page);
}

// Decides how the response is framed. False if it has no content to send.
bool ServerExchange::plan(Response& response) {
  const Request& request = exchange_.request();
  if (session_.service_.draining()) keep_alive_ = false;
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
  if (response.tunnel != nullptr && response.status == 101) {
    writer.field(HeaderId::connection, "upgrade");
    writer.field(HeaderId::upgrade, exchange_.request().upgrade);
  } else if (response.tunnel == nullptr) {
    bool content = !never_has_content(response.status);
    if (chunked_) {
      writer.raw("Transfer-Encoding: chunked\r\n");
    } else if (content && !until_close_) {
      std::uint64_t length = response.body != nullptr ? *response.body->length() : 0;
      bool silent = response.body == nullptr && exchange_.request().method == Method::head;
      if (response.announced_length) length = *response.announced_length;
      if (!silent || response.announced_length) writer.field(HeaderId::content_length, length);
    }
    if (!keep_alive_) {
      writer.raw("Connection: close\r\n");
    } else if (exchange_.request().version == Version::http_1_0) {
      writer.raw("Connection: keep-alive\r\n");
    }
  }
  Result<std::string_view> text = writer.finish();
  if (!text) return fail(text.error());
  return Slice::unowned(*text);
}

Task<Status> ServerExchange::send(Response& response) {
  has_content_ = plan(response);
  Result<Slice> head = write_head(response);
  if (!head) co_return fail(head.error());
  exchange_.outcome().status = response.status;
  exchange_.outcome().responded = exchange_.loop().now();
  // The log may ask for them after the response itself is gone.
  exchange_.set_response_headers(exchange_.arena().make<Headers>(std::move(response.headers)));
  Status sent;
  if (has_content_) {
    sent = co_await send_body(response, std::move(*head));
  } else {
    Slice only[1] = {std::move(*head)};
    sent = co_await write(only);
  }
  co_return sent;
}

// Head and first bytes leave in one call; after that everything that is there at once.
Task<Status> ServerExchange::send_body(Response& response, Slice head) {
  Body& body = *response.body;
  Pieces pieces;
  pieces.add(std::move(head));
  bool end = false;
  while (true) {
    std::size_t first = pieces.count;
    pieces.bytes = 0;
    if (chunked_) pieces.add(Slice());  // becomes the chunk head
    std::optional<Slice> piece;
    while (!end && !pieces.full() && (piece = body.try_read())) {
      end = piece->empty();
      if (!end) pieces.add(std::move(*piece));
    }
    if (pieces.bytes == 0 && first == 0 && !end) {
      Result<Slice> next = co_await body.read();
      if (!next) {
        exchange_.outcome().error = next.error();
        if (until_close_) session_.stream_->reset_on_close();
        co_return fail(next.error());
      }
      end = next->empty();
      if (!end) pieces.add(std::move(*next));
    }
    sent_ += pieces.bytes;
    if (chunked_ && pieces.bytes > 0) {
      std::size_t size = write_chunk_head(pieces.chunk_head, pieces.bytes);
      pieces.slices[first] = Slice::unowned({pieces.chunk_head, size});
      pieces.add(Slice::unowned(kChunkEnd));
    }
    bool last =
        end && (!chunked_ || body.trailers() == nullptr || !exchange_.request().te_trailers);
    if (last && chunked_) pieces.add(Slice::unowned(kLastChunk));
    Status written = co_await write(pieces.span());
    if (!written) co_return written;
    if (last) co_return Status();
    if (end) co_return co_await send_end(response);
    pieces.count = 0;
  }
}

Task<Status> ServerExchange::send_end(Response& response) {
  const Headers& trailers = *response.body->trailers();
  std::size_t size = trailers.wire_size() + 16;
  char* out = exchange_.arena().allocate(size);
  Result<std::string_view> text = write_last_chunk(out, out + size, trailers);
  if (!text) co_return fail(text.error());
  Slice last[1] = {Slice::unowned(*text)};
  co_return co_await write(last);
}

// The client's bytes were held until now: nothing reached the origin before it agreed.
Task<bool> ServerExchange::run_tunnel(Response response) {
  responding_ = true;
  co_await writer_free();
  std::unique_ptr<Tunnel> tunnel = std::move(response.tunnel);
  response.tunnel = std::make_unique<Tunnel>();  // tells write_head what it is
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
      Relay relay(*session_.stream_, *tunnel->stream, session_.stop_.token(),
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

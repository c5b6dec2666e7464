#include "http/h1/client_exchange.h"

#include <utility>

#include "http/h1/pieces.h"
#include "http/h1/writer.h"
#include "http/status.h"
#include "http/websocket_handshake.h"

namespace weir::h1 {
namespace {

constexpr int kMaxInterim = 32;

}  // namespace

ClientExchange::ClientExchange(Exchange& exchange, ClientConnection connection,
                               ConnectionHome& home, const ClientLimits& limits, StopToken stop)
    : exchange_(exchange),
      connection_(std::move(connection)),
      home_(home),
      limits_(limits),
      stop_(stop),
      watchdog_([](Timer& timer) { static_cast<Watchdog&>(timer).owner->on_watchdog(); }) {
  watchdog_.owner = this;
  ++connection_.uses;
}

// Closed before its place is free.
ClientExchange::~ClientExchange() { connection_.close(); }

// A write to the origin that can be watched: how much of it is left says whether it moves.
struct ClientExchange::OriginWrite : OperationAwaiter<StreamWrite> {
  OriginWrite(ClientExchange& owner, std::span<Slice> slices)
      : OperationAwaiter(owner.stop_.token(), *owner.connection_.stream, slices), self(owner) {}

  void await_suspend(std::coroutine_handle<> waiter) {
    self.write_ = this;
    OperationAwaiter::await_suspend(waiter);
  }
  Status await_resume() {
    self.write_ = nullptr;
    return OperationAwaiter::await_resume();
  }

  ClientExchange& self;
};

auto ClientExchange::write(std::span<Slice> slices) { return OriginWrite(*this, slices); }

Task<Result<Response>> ClientExchange::run(ClientRequest request) {
  Pieces pieces;
  if (Status head = write_head(request, pieces); !head) co_return fail(head.error());
  await_response();
  Status sent = co_await write(pieces.span());
  // What the origin has answered, or is about to, wins over a failed write.
  upload_failed_ = !sent;
  if (sent && !upload_done_) exchange_.scope().spawn(upload(request.body));

  for (int interim = 0; interim <= kMaxInterim; ++interim) {
    HeadBuffer buffer(std::exchange(unread_, Slice()));
    ResponseHead head;
    Headers headers(exchange_.arena());
    Result<bool> parsed = parse_head(buffer, head, headers);
    while (parsed && !*parsed) {
      Result<Slice> more = co_await connection_.stream->read(stop_.token());
      if (more) {
        response_seen_ = true;
        buffer.append(std::move(*more), exchange_.arena());
      }
      parsed = more ? parse_head(buffer, head, headers) : fail(more.error());
    }
    if (!parsed) co_return fail(explain(parsed.error()));
    if (!is_interim(head.status) || head.status == 101) {
      co_return make_response(request, head, std::move(headers));
    }
    Status passed = co_await pass_interim(head, std::move(headers));
    if (!passed) co_return fail(passed.error());
    await_response();
  }
  co_return fail(ErrorCode::bad_gateway, Origin::upstream, "too many interim responses");
}

// A pooled connection may have been closed by the origin just when it was chosen: nothing was
// answered, so an idempotent request goes elsewhere without harm.
Error ClientExchange::explain(const Error& error) const {
  Error told = error;
  if (error.code == ErrorCode::end_of_stream) {
    told = Error(ErrorCode::reset, Origin::upstream, "the origin closed without an answer");
  }
  if (told.origin == Origin::weir && told.code != ErrorCode::cancelled)
    told.origin = Origin::upstream;
  bool lost = told.code == ErrorCode::reset || told.code == ErrorCode::response_timeout;
  told.retry = lost && !response_seen_ ? Retry::if_unsent : Retry::never;
  return told;
}

// --- the request -------------------------------------------------------------------------------

// The head leaves together with what is there of the body.
Status ClientExchange::write_head(const ClientRequest& request, Pieces& pieces) {
  static constexpr std::size_t kOwnFields = 128;
  std::size_t size = request_head_size(request.method_text, request.target, *request.headers) +
                     kOwnFields + request.upgrade.size();
  char* out = exchange_.arena().allocate(size);
  HeadWriter writer(out, out + size);
  writer.request_line(request.method_text, request.target);
  writer.fields(*request.headers);
  write_framing(writer, request);
  Result<std::string_view> text = writer.finish();
  if (!text) return fail(text.error());
  pieces.add(Slice::unowned(*text));
  if (request.body == nullptr) return {};
  pieces.begin_chunk(chunked_);
  if (std::optional<Slice> piece = request.body->try_read(); piece && !piece->empty()) {
    pieces.add(std::move(*piece));
  }
  pieces.end_chunk();
  note_sent(pieces, false, *request.body);
  return {};
}

void ClientExchange::write_framing(HeadWriter& writer, const ClientRequest& request) {
  if (request.body != nullptr) {
    std::optional<std::uint64_t> length = request.body->length();
    chunked_ = !length;
    if (chunked_) {
      writer.raw("Transfer-Encoding: chunked\r\n");
    } else {
      writer.field(HeaderId::content_length, *length);
    }
  } else if (request.method == Method::post || request.method == Method::put ||
             request.method == Method::patch) {
    writer.raw("Content-Length: 0\r\n");  // RFC 9110, 8.6
  }
  if (!request.upgrade.empty()) {
    writer.raw(request.te_trailers ? "Connection: upgrade, te\r\n" : "Connection: upgrade\r\n");
    writer.field(HeaderId::upgrade, request.upgrade);
  } else if (request.te_trailers) {
    writer.raw("Connection: te\r\n");
  }
  if (request.te_trailers) writer.raw("TE: trailers\r\n");
}

void ClientExchange::note_sent(const Pieces& pieces, bool end, const Body& body) {
  sent_ += pieces.payload();
  std::optional<std::uint64_t> length = body.length();
  upload_done_ = end || (length && sent_ == *length);
}

Task<void> ClientExchange::upload(Body* body) {
  Pieces pieces;
  if (connection_.stream->splices()) body->let_pass();
  while (!upload_done_) {
    pieces.clear();
    pieces.begin_chunk(chunked_);
    Result<Slice> piece = co_await body->read();
    if (abandoned_) co_return;
    if (!piece) {
      // The origin must not take what it has for a whole request.
      stop_.request(piece.error());
      co_return;
    }
    bool end = piece->empty();
    if (!end) pieces.add(std::move(*piece));
    while (!end && !pieces.full()) {
      std::optional<Slice> more = body->try_read();
      if (!more) break;
      end = more->empty();
      if (!end) pieces.add(std::move(*more));
    }
    pieces.end_chunk();
    Status framed =
        end && chunked_ ? pieces.add_last_chunk(body->trailers(), exchange_.arena()) : Status();
    Status written = framed ? co_await write(pieces.span()) : framed;
    if (abandoned_) connection_.close();
    if (!written || abandoned_) {
      upload_failed_ = true;
      co_return;
    }
    note_sent(pieces, end, *body);
  }
  if (body_ == nullptr && !response_done_) await_response();
  release_if_done();
}

// --- the response ------------------------------------------------------------------------------

Result<bool> ClientExchange::parse_head(HeadBuffer& buffer, ResponseHead& head, Headers& headers) {
  if (buffer.view().empty()) return false;
  Result<std::size_t> length =
      parse_response_head(buffer.view(), buffer.seen(), limits_.head, head, headers);
  if (!length) return fail(length.error());
  if (*length == 0) return false;
  head_bytes_ = buffer.take(*length, unread_);
  return true;
}

Task<Status> ClientExchange::pass_interim(ResponseHead head, Headers headers) {
  // 100 answers our own sending; whether the client waits for one is between it and us.
  bool unwanted = head.status == 100 || stop_.stopped();
  if (unwanted || exchange_.interim_sink == nullptr) co_return Status();
  Response interim(exchange_.arena());
  interim.status = head.status;
  interim.reason = head.reason;
  remove_hop_by_hop(headers);
  interim.headers = std::move(headers);
  co_return co_await exchange_.interim_sink->send_interim(interim);
}

Result<Response> ClientExchange::make_response(const ClientRequest& request,
                                               const ResponseHead& head, Headers headers) {
  Result<Framing> framing = response_framing(head, headers, request.method);
  if (!framing) return fail(framing.error());
  Response response(exchange_.arena());
  response.status = head.status;
  response.reason = head.reason;
  keep_alive_ = framing->keep_alive;
  exchange_.loop().timers().disarm(watchdog_);
  if (framing->kind == Framing::Kind::tunnel) {
    // RFC 9110, 15.2.2: only to the protocol that was asked for.
    bool asked = head.status != 101 ||
                 (!request.upgrade.empty() && iequals(framing->upgrade, request.upgrade));
    if (!asked) return fail(ErrorCode::bad_gateway, Origin::upstream, "101 that nobody asked for");
    if (head.status == 101 && is_websocket(request.upgrade)) {
      std::string_view key = request.headers->get(HeaderId::sec_websocket_key);
      Status accepted = check_websocket_accept(headers, key, exchange_.arena());
      if (!accepted) return fail(accepted.error());
    }
    remove_hop_by_hop(headers);
    response.headers = std::move(headers);
    response.tunnel = std::make_unique<Tunnel>(std::move(connection_.stream), std::move(unread_));
    return response;
  }
  remove_hop_by_hop(headers, HeaderSet(HeaderId::content_length));
  response.headers = std::move(headers);
  if (framing->has_body()) {
    Incoming from{connection_.stream.get(), &unread_, stop_.token(), Origin::upstream};
    body_ = exchange_.own<IncomingBody>(from, *framing, limits_.chunk, exchange_.arena(), this);
    response.body = body_;
    response.ends_by_close = framing->kind == Framing::Kind::until_close;
    if (response.ends_by_close) keep_alive_ = false;
    Loop& loop = exchange_.loop();
    loop.timers().arm(watchdog_, loop.now() + limits_.idle_timeout);
    return response;
  }
  if (framing->has_length) response.announced_length = framing->length;
  response_done_ = true;
  release_if_done();
  return response;
}

void ClientExchange::body_complete() {
  response_done_ = true;
  exchange_.loop().timers().disarm(watchdog_);
  release_if_done();
}

// Bytes behind the response were not asked for: such a connection is not used again.
void ClientExchange::release_if_done() {
  if (!response_done_ || !connection_.stream) return;
  if (!upload_done_ || upload_failed_ || !keep_alive_ || !unread_.empty()) return;
  home_.give_back(std::move(connection_));
}

// An upload that writes at this moment still needs the stream, and closes it.
void ClientExchange::abandon() {
  abandoned_ = true;
  exchange_.loop().timers().disarm(watchdog_);
  stop_.request(Error(ErrorCode::cancelled, Origin::weir, "abandoned"));
  if (write_ == nullptr) connection_.close();
}

void ClientExchange::await_response() {
  Loop& loop = exchange_.loop();
  loop.timers().arm(watchdog_, loop.now() + limits_.response_timeout);
}

// Between the request and the head it is the response's deadline; while a body flows, progress is
// looked at. A client that does not send or take its bytes is not the origin's fault.
void ClientExchange::on_watchdog() {
  bool uploading = !upload_done_ && !upload_failed_;
  if (body_ == nullptr && !uploading) {
    return stop_.request(Error(ErrorCode::response_timeout, Origin::upstream, "no response head"));
  }
  std::uint64_t received = body_ != nullptr ? body_->received() : 0;
  std::uint64_t progress = received + sent_;
  if (write_ != nullptr) {
    for (const Slice& slice : write_->data) progress += slice.size();
  }
  bool waiting = (body_ != nullptr && body_->waiting()) || write_ != nullptr;
  if (waiting && progress == progress_seen_) {
    ErrorCode code = body_ == nullptr ? ErrorCode::response_timeout : ErrorCode::idle_timeout;
    return stop_.request(Error(code, Origin::upstream, "the body stalled"));
  }
  progress_seen_ = progress;
  exchange_.loop().timers().arm(watchdog_, exchange_.loop().now() + limits_.idle_timeout);
}

}  // namespace weir::h1

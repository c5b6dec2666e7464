#include "http/h1/client_exchange.h"

#include <array>
#include <cstring>

#include "http/h1/writer.h"
#include "http/status.h"

namespace weir::h1 {
namespace {

constexpr std::size_t kBatchSlices = 16;
constexpr std::size_t kBatchBytes = 512 * 1024;
constexpr int kMaxInterim = 32;

}  // namespace

ClientExchange::ClientExchange(Exchange& exchange, ClientConnection connection,
                               ConnectionHome& home, const ClientLimits& limits)
    : exchange_(exchange),
      connection_(std::move(connection)),
      home_(home),
      limits_(limits),
      stop_(exchange.stop()),
      watchdog_([](Timer& timer) { static_cast<Watchdog&>(timer).owner->on_watchdog(); }) {
  watchdog_.owner = this;
  ++connection_.uses;
}

ClientExchange::~ClientExchange() = default;

Task<Result<Response>> ClientExchange::run(ClientRequest request) {
  Result<Slice> head = write_head(request);
  if (!head) co_return fail(head.error());
  Loop& loop = exchange_.loop();
  loop.timers().arm(watchdog_, loop.now() + limits_.response_timeout);
  Status sent = co_await send_first(std::move(*head), request.body);
  if (!sent && sent.error().origin == Origin::client) co_return fail(sent.error());
  upload_failed_ = !sent;
  if (sent && !upload_done_) exchange_.scope().spawn(upload(request.body));
  Result<Response> response = co_await read_response(request);
  if (!response) co_return fail(explain(response.error()));
  co_return response;
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

Result<Slice> ClientExchange::write_head(const ClientRequest& request) {
  static constexpr std::size_t kOwnFields = 128;
  std::size_t size = request_head_size(request.method_text, request.target, *request.headers) +
                     kOwnFields + request.upgrade.size();
  char* out = exchange_.arena().allocate(size);
  HeadWriter writer(out, out + size);
  writer.request_line(request.method_text, request.target);
  writer.fields(*request.headers);
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
  Result<std::string_view> text = writer.finish();
  if (!text) return fail(text.error());
  return Slice::unowned(*text);
}

// The head leaves together with what is there of the body.
Task<Status> ClientExchange::send_first(Slice head, Body* body) {
  std::array<Slice, 4> slices;
  std::size_t count = 0;
  slices[count++] = std::move(head);
  char chunk_head[kMaxChunkHead];
  std::size_t bytes = 0;
  upload_done_ = body == nullptr;
  if (body != nullptr) {
    if (std::optional<Slice> piece = body->try_read(); piece && !piece->empty()) {
      bytes = piece->size();
      if (chunked_) {
        std::size_t size = write_chunk_head(chunk_head, bytes);
        slices[count++] = Slice::unowned({chunk_head, size});
      }
      slices[count++] = std::move(*piece);
      if (chunked_) slices[count++] = Slice::unowned(kChunkEnd);
    }
    std::optional<std::uint64_t> length = body->length();
    upload_done_ = length && *length == bytes;
  }
  sent_ += bytes;
  co_return co_await connection_.stream->write(std::span(slices.data(), count), stop_.token());
}

Task<void> ClientExchange::upload(Body* body) {
  std::array<Slice, kBatchSlices + 4> slices;
  while (!upload_done_) {
    std::size_t count = 1;  // the first becomes the chunk head
    Result<Slice> piece = co_await body->read();
    if (!piece) {
      // The origin must not take what it has for a whole request.
      stop_.request(piece.error());
      co_return;
    }
    bool end = piece->empty();
    std::size_t bytes = piece->size();
    if (!end) slices[count++] = std::move(*piece);
    while (!end && count < kBatchSlices && bytes < kBatchBytes) {
      std::optional<Slice> more = body->try_read();
      if (!more) break;
      end = more->empty();
      bytes += more->size();
      if (!end) slices[count++] = std::move(*more);
    }
    Status written = co_await write_pieces(std::span(slices.data(), count), bytes, end, *body);
    if (!written) {
      // What the origin has answered, or is about to, wins (see read_response).
      upload_failed_ = true;
      co_return;
    }
  }
  release_if_done();
}

// `pieces[0]` and up to three behind the others are free for the framing.
Task<Status> ClientExchange::write_pieces(std::span<Slice> pieces, std::size_t bytes, bool end,
                                          const Body& body) {
  char chunk_head[kMaxChunkHead];
  std::span<Slice> all(pieces.data(), pieces.size());
  std::size_t count = pieces.size();
  if (chunked_ && bytes > 0) {
    std::size_t size = write_chunk_head(chunk_head, bytes);
    all[0] = Slice::unowned({chunk_head, size});
    pieces.data()[count++] = Slice::unowned(kChunkEnd);
  }
  if (chunked_ && end) {
    const Headers* trailers = body.trailers();
    if (trailers == nullptr) {
      pieces.data()[count++] = Slice::unowned(kLastChunk);
    } else {
      std::size_t size = trailers->wire_size() + 16;
      char* out = exchange_.arena().allocate(size);
      Result<std::string_view> last = write_last_chunk(out, out + size, *trailers);
      if (!last) co_return fail(last.error());
      pieces.data()[count++] = Slice::unowned(*last);
    }
  }
  sent_ += bytes;
  upload_writing_ = true;
  Status written =
      co_await connection_.stream->write(std::span(pieces.data(), count), stop_.token());
  upload_writing_ = false;
  std::optional<std::uint64_t> length = body.length();
  if (end || (length && sent_ == *length)) upload_done_ = true;
  co_return written;
}

// --- the response ------------------------------------------------------------------------------

Task<Result<Response>> ClientExchange::read_response(ClientRequest request) {
  for (int interim = 0; interim <= kMaxInterim; ++interim) {
    ResponseHead head;
    Headers headers(exchange_.arena());
    Result<std::size_t> length = co_await read_head(head, headers);
    if (!length) co_return fail(length.error());
    if (!is_interim(head.status) || head.status == 101) {
      co_return make_response(request, head, std::move(headers));
    }
    Status passed = co_await pass_interim(head, std::move(headers));
    if (!passed) co_return fail(passed.error());
    Loop& loop = exchange_.loop();
    loop.timers().arm(watchdog_, loop.now() + limits_.response_timeout);
  }
  co_return fail(ErrorCode::bad_gateway, Origin::upstream, "too many interim responses");
}

Task<Result<std::size_t>> ClientExchange::read_head(ResponseHead& head, Headers& headers) {
  Slice bytes = std::exchange(unread_, Slice());
  char* gathered = nullptr;
  std::size_t capacity = 0;
  std::size_t seen = 0;
  while (true) {
    if (bytes.size() > seen) {
      Result<std::size_t> length =
          parse_response_head(bytes.view(), seen, limits_.head, head, headers);
      if (!length) co_return fail(length.error());
      if (*length > 0) {
        head_bytes_ = bytes.take(*length);
        if (!bytes.empty()) unread_ = std::move(bytes);
        co_return *length;
      }
      seen = bytes.size();
    }
    Result<Slice> more = co_await connection_.stream->read(stop_.token());
    if (!more) co_return fail(more.error());
    response_seen_ = true;
    if (seen == 0) {
      bytes = std::move(*more);
      continue;
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

Task<Status> ClientExchange::pass_interim(ResponseHead head, Headers headers) {
  // 100 answers our own sending; whether the client waits for one is between it and us.
  if (head.status == 100 || exchange_.interim_sink == nullptr) co_return Status();
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
    bool asked = head.status != 101 || !request.upgrade.empty();
    if (!asked) return fail(ErrorCode::bad_gateway, Origin::upstream, "101 that nobody asked for");
    remove_hop_by_hop(headers);
    response.headers = std::move(headers);
    response.tunnel = std::make_unique<Tunnel>(std::move(connection_.stream), std::move(unread_));
    return response;
  }
  remove_hop_by_hop(headers);
  headers.remove(HeaderId::content_length);
  response.headers = std::move(headers);
  if (framing->has_body()) {
    Incoming from{connection_.stream.get(), &unread_, stop_.token(), Origin::upstream};
    body_ = exchange_.own<IncomingBody>(from, *framing, limits_.chunk, exchange_.arena(), this);
    response.body = body_;
    if (framing->kind == Framing::Kind::until_close) keep_alive_ = false;
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

// Before the head it is the response's deadline; after it, progress is looked at. A client that
// does not take its bytes is not the origin's fault.
void ClientExchange::on_watchdog() {
  if (body_ == nullptr) {
    if (!upload_done_ && !upload_writing_ && !upload_failed_) {
      Loop& loop = exchange_.loop();  // the client is still sending
      loop.timers().arm(watchdog_, loop.now() + limits_.response_timeout);
      return;
    }
    return stop_.request(Error(ErrorCode::response_timeout, Origin::upstream, "no response head"));
  }
  std::uint64_t progress = body_->received() + sent_;
  bool waiting = body_->waiting() || upload_writing_;
  if (waiting && progress == progress_seen_) {
    return stop_.request(Error(ErrorCode::idle_timeout, Origin::upstream, "the body stalled"));
  }
  progress_seen_ = progress;
  exchange_.loop().timers().arm(watchdog_, exchange_.loop().now() + limits_.idle_timeout);
}

}  // namespace weir::h1

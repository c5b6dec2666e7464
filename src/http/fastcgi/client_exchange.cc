#include "http/fastcgi/client_exchange.h"

#include <fmt/format.h>

#include "core/log.h"
#include "http/fastcgi/cgi_head.h"

namespace weir::fastcgi {
namespace {

// One line of what may be anything.
std::string printable(std::string_view text) {
  std::string line;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line += ' ';
    } else if (byte < 0x7f) {
      line += c;
    } else {
      line += fmt::format("\\x{:02x}", byte);
    }
  }
  return line;
}

}  // namespace

ClientExchange::ClientExchange(Exchange& exchange, h1::ClientConnection connection,
                               h1::ConnectionHome& home, const h1::ClientLimits& limits,
                               StopToken stop)
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
ClientExchange::~ClientExchange() {
  connection_.close();
  tell_error_text();
}

// A write that can be watched: how much of it is left says whether it moves.
struct ClientExchange::ApplicationWrite : OperationAwaiter<StreamWrite> {
  ApplicationWrite(ClientExchange& owner, std::span<Slice> slices)
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

auto ClientExchange::write(std::span<Slice> slices) { return ApplicationWrite(*this, slices); }

Task<Result<Response>> ClientExchange::run(h1::ClientRequest request, Call call) {
  if (Status head = write_head(request, call); !head) co_return fail(head.error());
  await_response();
  output_.emplace(*connection_.stream, stop_.token(), *this);
  Status sent = co_await write(pieces_.slices());
  // What the application has answered, or is about to, wins over a failed write.
  upload_failed_ = !sent;
  if (sent && !upload_done_) exchange_.scope().spawn(upload(request.body));

  h1::HeadBuffer buffer{Slice()};
  CgiHead head;
  Headers headers(exchange_.arena());
  Slice rest;
  while (true) {
    Result<Slice> more = co_await output_->read();
    if (!more) co_return fail(explain(more.error()));
    if (more->empty()) co_return fail(no_answer());
    buffer.append(std::move(*more), exchange_.arena());
    Result<bool> parsed = parse_head(buffer, head, headers, rest);
    if (!parsed) co_return fail(explain(parsed.error()));
    if (*parsed) break;
  }
  co_return make_response(request, head, std::move(headers), std::move(rest));
}

// A pooled connection may have been closed just when it was chosen: nothing was answered, so an
// idempotent request goes elsewhere without harm.
Error ClientExchange::explain(const Error& error) const {
  Error told = error;
  if (error.code == ErrorCode::end_of_stream) {
    told = Error(ErrorCode::reset, Origin::upstream, "the application closed without an answer");
  }
  if (told.origin == Origin::weir && told.code != ErrorCode::cancelled)
    told.origin = Origin::upstream;
  bool lost = told.code == ErrorCode::reset || told.code == ErrorCode::response_timeout;
  told.retry = lost && output_->received() == 0 ? Retry::if_unsent : Retry::never;
  return told;
}

// END_REQUEST came before a head.
Error ClientExchange::no_answer() const {
  switch (output_->end().protocol) {
    case ProtocolStatus::overloaded:
      return {ErrorCode::overloaded, Origin::upstream, "the application is overloaded",
              Retry::always};
    case ProtocolStatus::cannot_multiplex:
      return {ErrorCode::bad_gateway, Origin::upstream, "the application took another request",
              Retry::always};
    default:
      return {ErrorCode::bad_gateway, Origin::upstream, "the application ended without a head"};
  }
}

// --- the request -------------------------------------------------------------------------------

// With what is there of the body, but for one record at most: an application that answers before
// it reads must not find us waiting for it to read.
Status ClientExchange::write_head(const h1::ClientRequest& request, const Call& call) {
  Params params = *call.params;
  add_header_params(params, *request.headers);
  Result<std::string_view> head = write_request_head(params, call.keep);
  if (!head) return fail(head.error());
  keep_ = call.keep;
  pieces_.add_head(*head);
  if (request.body != nullptr) {
    length_ = request.body->length().value_or(0);
    if (std::optional<Slice> piece = request.body->try_read(); piece) first_ = std::move(*piece);
    sent_ += first_.size();
    Slice part = first_.size() > kMaxContent ? first_.take(kMaxContent) : std::exchange(first_, {});
    pieces_.add(part);
  }
  upload_done_ = all_sent() && first_.empty();
  if (upload_done_) pieces_.add_end();
  return {};
}

Task<void> ClientExchange::upload(Body* body) {
  while (!upload_done_) {
    pieces_.clear();
    if (first_.empty()) {
      Result<Slice> piece = co_await body->read();
      if (abandoned_) co_return;
      if (!piece) {
        // The application must not take what it has for a whole request.
        stop_.request(piece.error());
        co_return;
      }
      if (piece->empty()) {
        stop_.request(Error(ErrorCode::truncated, Origin::client, "not what was announced"));
        co_return;
      }
      first_ = std::move(*piece);
      sent_ += first_.size();
    }
    pieces_.add(first_);
    while (first_.empty() && !pieces_.full() && !all_sent()) {
      std::optional<Slice> more = body->try_read();
      if (!more || more->empty()) break;
      first_ = std::move(*more);
      sent_ += first_.size();
      pieces_.add(first_);
    }
    bool end = all_sent() && first_.empty();
    if (end) pieces_.add_end();
    Status written = co_await write(pieces_.slices());
    if (abandoned_) connection_.close();
    if (!written || abandoned_) {
      upload_failed_ = true;
      co_return;
    }
    upload_done_ = end;
  }
  if (!responded_) await_response();
  release_if_done();
}

// --- the response ------------------------------------------------------------------------------

Result<bool> ClientExchange::parse_head(h1::HeadBuffer& buffer, CgiHead& head, Headers& headers,
                                        Slice& rest) {
  Result<std::size_t> length =
      parse_cgi_head(buffer.view(), buffer.seen(), limits_.head, head, headers);
  if (!length) return fail(length.error());
  if (*length == 0) return false;
  head_bytes_ = buffer.take(*length, rest);
  return true;
}

Result<Response> ClientExchange::make_response(const h1::ClientRequest& request,
                                               const CgiHead& head, Headers headers, Slice rest) {
  // What an application says about a connection is not about ours (RFC 3875, 6.3.4).
  h1::remove_hop_by_hop(headers);
  h1::ResponseHead known{head.status, 1, head.reason};
  Result<h1::Framing> framing = h1::response_framing(known, headers, request.method);
  if (!framing) return fail(framing.error());
  headers.remove(HeaderId::content_length);
  responded_ = true;
  exchange_.loop().timers().disarm(watchdog_);
  Response response(exchange_.arena());
  response.status = head.status;
  response.reason = head.reason;
  response.headers = std::move(headers);
  std::optional<std::uint64_t> length;
  if (framing->has_length) length = framing->length;
  if (framing->has_body()) {
    Status begun = output_->begin(std::move(rest), length);
    if (!begun) return fail(begun.error());
    response.body = &*output_;
    if (!output_->complete()) {
      Loop& loop = exchange_.loop();
      loop.timers().arm(watchdog_, loop.now() + limits_.idle_timeout);
    }
    return response;
  }
  response.announced_length = length;
  output_->discard();
  return response;
}

void ClientExchange::output_complete() {
  exchange_.loop().timers().disarm(watchdog_);
  release_if_done();
}

// Bytes behind the end were not asked for: such a connection is not used again.
void ClientExchange::release_if_done() {
  if (!keep_ || !output_->complete() || !connection_.stream) return;
  if (!upload_done_ || upload_failed_ || output_->excess()) return;
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
// looked at. A client that does not send or take its bytes is not the application's fault.
void ClientExchange::on_watchdog() {
  bool uploading = !upload_done_ && !upload_failed_;
  if (!responded_ && !uploading) {
    return stop_.request(Error(ErrorCode::response_timeout, Origin::upstream, "no response head"));
  }
  std::uint64_t progress = output_->received() + sent_;
  if (write_ != nullptr) {
    for (const Slice& slice : write_->data) progress += slice.size();
  }
  bool waiting = (responded_ && output_->waiting()) || write_ != nullptr;
  if (waiting && progress == progress_seen_) {
    ErrorCode code = responded_ ? ErrorCode::idle_timeout : ErrorCode::response_timeout;
    return stop_.request(Error(code, Origin::upstream, "the body stalled"));
  }
  progress_seen_ = progress;
  exchange_.loop().timers().arm(watchdog_, exchange_.loop().now() + limits_.idle_timeout);
}

// Once for each request, when it ends.
void ClientExchange::tell_error_text() {
  if (!output_ || output_->error_text().empty()) return;
  std::string text = printable(output_->error_text());
  if (output_->error_text_left_out() > 0) {
    text += fmt::format(" ... ({} bytes more)", output_->error_text_left_out());
  }
  log("fastcgi_stderr", {{"upstream", exchange_.upstream().name},
                         {"request_id", exchange_.request_id()},
                         {"text", text}});
}

}  // namespace weir::fastcgi

#include "http/h2/channel.h"

#include <algorithm>

namespace weir::h2 {

Channel::Channel(Connection& connection, Origin peer, Arena& arena)
    : connection_(connection), arena_(arena), changed_(connection.loop()), peer_(peer) {}

Channel::~Channel() { connection_.held -= queue_.bytes(); }

// --- what arrives ------------------------------------------------------------------------------

std::optional<Result<Slice>> Channel::try_take() {
  if (!queue_.empty()) {
    Slice bytes = queue_.take();
    connection_.held -= bytes.size();
    engine().consume(*this, bytes.size());
    connection_.kick();
    return bytes;
  }
  if (arrivals_error_.code != ErrorCode::none) return fail(arrivals_error_);
  if (ended_in_) return Slice();
  return std::nullopt;
}

void Channel::on_data(Slice bytes) {
  if (arrivals_error_.code != ErrorCode::none) return;
  received_ += bytes.size();
  if (expected_ && received_ > *expected_) {
    return violate(Error(ErrorCode::bad_framing, peer_, "more data than Content-Length says"));
  }
  if (discard_) return drop(bytes.size());
  connection_.held += bytes.size();
  queue_.append(std::move(bytes));
  if (arrivals_ != nullptr) arrivals_->arrived();
}

// RFC 9113, 8.1.1: a body that is shorter than announced is a malformed message, and must never
// pass for a whole one.
void Channel::on_end() {
  if (arrivals_error_.code != ErrorCode::none) return;
  if (expected_ && received_ != *expected_) {
    return violate(Error(ErrorCode::bad_framing, peer_, "less data than Content-Length says"));
  }
  ended_in_ = true;
  if (arrivals_ != nullptr) arrivals_->arrived();
  if (discard_) changed_.raise();
}

// A client that is stopped in the middle of a small upload may miss the response; large ones are
// not worth their bytes.
Task<void> Channel::discard(std::uint64_t most, StopToken stop) {
  discard_ = most;
  if (expected_ && *expected_ - received_ > most) reset(Reason::no_error);
  connection_.held -= queue_.bytes();
  drop(queue_.bytes());
  queue_.clear();
  while (!closed_ && !ended_in_) {
    if (Status woke = co_await changed_.wait(stop); !woke) break;
  }
}

void Channel::drop(std::uint64_t bytes) {
  if (bytes > *discard_) return reset(Reason::no_error);
  *discard_ -= bytes;
  engine().consume(*this, bytes);
  connection_.kick();
}

Headers* Channel::begin_trailers() {
  trailers_in_ = arena_.make<Headers>(arena_);
  return trailers_in_;
}

void Channel::end_trailers(const FieldBlock& block) {
  if (block.error().code != ErrorCode::none) violate(block.error());
}

void Channel::violate(const Error& why) {
  fail_arrivals(why);
  reset(Reason::protocol_error);
  violated(why);
}

void Channel::fail_arrivals(const Error& why) {
  if (arrivals_error_.code != ErrorCode::none) return;
  arrivals_error_ = why;
  connection_.held -= queue_.bytes();
  queue_.clear();
  if (arrivals_ != nullptr) arrivals_->arrived();
}

// --- what goes out -----------------------------------------------------------------------------

Task<Status> Channel::send(StopToken stop) {
  while (!end_sent_ && !closed_) {
    Status woke = co_await changed_.wait(stop);
    if (!woke) co_return woke;
    if (departures_error_.code != ErrorCode::none) co_return fail(departures_error_);
    if (!resting_ || end_sent_ || closed_ || body_ == nullptr) continue;
    reading_ = body_begun_ = true;
    Result<Slice> piece = co_await body_->read();
    reading_ = false;
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) {
      body_ended_ = true;
    } else {
      push(std::move(*piece));
    }
    resume();
  }
  if (end_sent_) co_return Status();
  co_return fail(closing_error());
}

void Channel::resume() {
  resting_ = false;
  engine().resume(*this);
  connection_.kick();
}

void Channel::end_body() {
  body_ended_ = true;
  resume();
}

Supply Channel::supply(std::size_t most) {
  Supply found;
  if (departures_ != nullptr) {
    found = departures_->supply(most);
  } else {
    gather(most);
    found.bytes = std::min(most, ready_);
    found.end = body_ended_ && found.bytes == ready_;
    if (found.end && !add_trailers(found)) found = Supply();
  }
  if (found.bytes == 0 && !found.end) {
    resting_ = true;
    changed_.raise();
  }
  return found;
}

// What is there at once, so that small pieces share a frame.
void Channel::gather(std::size_t most) {
  while (body_ != nullptr && !body_ended_ && !reading_ && pieces_count_ < kPieces &&
         ready_ < most) {
    std::optional<Slice> piece = body_->try_read();
    if (!piece) return;
    body_begun_ = true;
    if (piece->empty()) {
      body_ended_ = true;
    } else {
      push(std::move(*piece));
    }
  }
}

void Channel::push(Slice piece) {
  ready_ += piece.size();
  pieces_[pieces_count_++] = std::move(piece);
}

bool Channel::add_trailers(Supply& found) {
  const Headers* trailers = body_ != nullptr ? body_->trailers() : nullptr;
  Result<const FieldList*> fields = trailer_fields(trailers, arena_);
  if (fields) {
    found.trailers = *fields;
  } else {
    departures_error_ = fields.error();
  }
  return fields.has_value();
}

void Channel::take(std::size_t bytes, OutputBatch& out) {
  sent_ += bytes;
  if (departures_ != nullptr) return departures_->take(bytes, out);
  ready_ -= bytes;
  std::size_t used = 0;
  while (bytes > 0) {
    Slice& piece = pieces_[used];
    std::size_t size = std::min(bytes, piece.size());
    out.add(size == piece.size() ? std::exchange(piece, Slice()) : piece.take(size));
    if (piece.empty()) ++used;
    bytes -= size;
  }
  std::move(pieces_.begin() + static_cast<std::ptrdiff_t>(used), pieces_.begin() + pieces_count_,
            pieces_.begin());
  pieces_count_ -= static_cast<std::uint8_t>(used);
}

void Channel::on_end_sent() {
  end_sent_ = true;
  changed_.raise();
}

// --- the end -----------------------------------------------------------------------------------

void Channel::reset(Reason reason) {
  engine().reset(*this, reason);
  connection_.kick();
}

void Channel::on_closed(Closed how) {
  closed_ = true;
  closed_as_ = how;
  if (!ended_in_) fail_arrivals(closing_error());
  if (departures_ != nullptr) departures_->closed();
  changed_.raise();
  stream_closed(how);
}

void Channel::leave() {
  bool all_said = body_ended_ && ready_ == 0 && ended_in_;
  if (all_said && !closed_) {
    engine().end_and_forget(*this);
  } else {
    engine().forget(*this);
  }
  connection_.kick();
}

void Channel::lose(const Error& why) {
  if (closed_) return;
  lost_ = why;
  on_closed({Reason::internal_error, true});
}

Error Channel::closing_error() const {
  if (lost_.code != ErrorCode::none) return lost_;
  if (arrivals_error_.code == ErrorCode::bad_framing) return arrivals_error_;
  if (!closed_as_.by_peer) return Error(ErrorCode::cancelled, Origin::weir, "the stream was reset");
  if (peer_ == Origin::client) {
    return Error(ErrorCode::client_gone, Origin::client, name(closed_as_.reason));
  }
  bool untouched = closed_as_.reason == Reason::refused_stream;
  return Error(ErrorCode::reset, Origin::upstream, name(closed_as_.reason),
               untouched ? Retry::always : Retry::never);
}

// --- the body that arrives ---------------------------------------------------------------------

ChannelBody::ChannelBody(Channel& channel, std::optional<std::uint64_t> length, bool waits,
                         StopToken stop)
    : channel_(channel),
      signal_(channel.connection().loop()),
      stop_(stop),
      length_(length),
      waits_(waits) {
  channel_.notify(this);
}

ChannelBody::~ChannelBody() { channel_.notify(nullptr); }

std::optional<Result<Slice>> ChannelBody::next() {
  if (taken_ <= limit_) {
    std::optional<Result<Slice>> piece = channel_.try_take();
    if (!piece || !*piece) return piece;
    waits_ = false;
    taken_ += (*piece)->size();
    complete_ = (*piece)->empty();
    if (taken_ <= limit_) return piece;
  }
  return fail(ErrorCode::body_too_large, Origin::client, "more than the limit");
}

Task<Result<Slice>> ChannelBody::read() {
  while (true) {
    std::optional<Result<Slice>> piece = next();
    if (piece) co_return std::move(*piece);
    if (std::exchange(waits_, false)) channel_.send_continue();
    waiting_ = true;
    Status woke = co_await signal_.wait(stop_);
    waiting_ = false;
    if (!woke) co_return fail(woke.error());
  }
}

std::optional<Slice> ChannelBody::try_read() {
  std::optional<Result<Slice>> piece = next();
  if (!piece || !*piece) return std::nullopt;  // `read` finds an error again
  return std::move(**piece);
}

const Headers* ChannelBody::trailers() const {
  const Headers* trailers = complete_ ? channel_.trailers_in() : nullptr;
  return trailers == nullptr || trailers->empty() ? nullptr : trailers;
}

}  // namespace weir::h2

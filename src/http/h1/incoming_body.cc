#include "http/h1/incoming_body.h"

#include <algorithm>

#include "io/buffer.h"

namespace weir::h1 {

IncomingBody::IncomingBody(Incoming from, const Framing& framing, const ChunkLimits& limits,
                           Arena& arena, BodyObserver* observer)
    : from_(from),
      observer_(observer),
      kind_(framing.kind),
      announced_(!framing.expect_continue),
      length_(framing.length),
      left_(framing.length) {
  if (kind_ == Framing::Kind::chunked) decoder_.emplace(arena, from.origin, limits);
  if (kind_ == Framing::Kind::length) hint_ = left_;
}

Task<Result<Slice>> IncomingBody::read() {
  while (true) {
    if (complete_) co_return Slice();
    if (!from_.unread->empty()) {
      Result<Slice> piece = decode();
      if (!piece || !piece->empty() || complete_) co_return piece;
    }
    if (!announced_) {
      announced_ = true;
      Status ready = co_await observer_->send_continue();
      if (!ready) co_return fail(ready.error());
    }
    waiting_ = true;
    // No `?:` here: its awaiters would be temporaries of one expression.
    Result<Slice> got;
    if (worth_a_pipe()) {
      got = co_await from_.stream->splice(from_.stop, left_);
    } else {
      got = co_await from_.stream->read(from_.stop, hint_);
    }
    waiting_ = false;
    if (!got) co_return ended(got.error());
    note(got->size());
    if (got->size() < kTrickle) judge(got->size());
    *from_.unread = std::move(*got);
  }
}

std::optional<Slice> IncomingBody::try_read() {
  while (!complete_) {
    if (!from_.unread->empty()) {
      // A violation is left for `read`, which finds it again: the decoder's failure is final.
      Result<Slice> piece = decode();
      if (!piece) return std::nullopt;
      if (!piece->empty()) return std::move(*piece);
      continue;
    }
    if (!announced_) return std::nullopt;
    std::optional<Result<Slice>> got =
        worth_a_pipe() ? from_.stream->try_splice(left_) : from_.stream->try_read(hint_);
    if (!got) return std::nullopt;
    if (!*got) {
      if (kind_ != Framing::Kind::until_close || got->error().code != ErrorCode::end_of_stream) {
        return std::nullopt;
      }
      finish();
      break;
    }
    note((*got)->size());
    *from_.unread = std::move(**got);
  }
  return Slice();
}

std::optional<std::uint64_t> IncomingBody::length() const {
  if (kind_ == Framing::Kind::length) return length_;
  return std::nullopt;
}

const Headers* IncomingBody::trailers() const {
  if (!decoder_ || !complete_ || decoder_->trailers().empty()) return nullptr;
  return &decoder_->trailers();
}

Result<Slice> IncomingBody::decode() {
  Slice& unread = *from_.unread;
  if (kind_ == Framing::Kind::chunked) {
    Result<Slice> decoded = decode_chunked(unread);
    if (!decoded) broken_ = true;
    return decoded;
  }
  Slice piece;
  if (kind_ == Framing::Kind::length && unread.size() > left_) {
    piece = unread.take(left_);
  } else {
    piece = std::exchange(unread, Slice());
  }
  received_ += piece.size();
  if (kind_ == Framing::Kind::length) {
    left_ -= piece.size();
    hint_ = left_;
    if (left_ == 0) finish();
  }
  return piece;
}

Result<Slice> IncomingBody::decode_chunked(Slice& unread) {
  while (!unread.empty()) {
    Result<ChunkedDecoder::Step> step = decoder_->next(unread.view());
    if (!step) return fail(step.error());
    Slice piece = step->data.empty() ? Slice() : unread.part(step->data);
    unread.advance(step->consumed);
    if (unread.empty()) unread = Slice();
    if (step->kind == ChunkedDecoder::Step::Kind::end) finish();
    received_ += piece.size();
    if (received_ > limit_) {
      return fail(ErrorCode::body_too_large, from_.origin, "more than the limit");
    }
    if (!piece.empty() || complete_) return piece;
  }
  return Slice();
}

// A sender that fills whole buffers is worth larger ones.
void IncomingBody::note(std::size_t size) {
  if (kind_ == Framing::Kind::length) return;
  hint_ = size >= BufferPool::kBlockBytes / 2 ? BufferPool::kBulkBytes : 0;
}

// The end of a body is often small.
void IncomingBody::judge(std::size_t size) {
  if (observer_ == nullptr || (kind_ == Framing::Kind::length && size == left_)) return;
  if (trickles_ < kFreeTrickles) {
    ++trickles_;
  } else {
    observer_->trickles();
  }
}

void IncomingBody::finish() {
  complete_ = true;
  if (observer_ != nullptr) observer_->body_complete();
}

Result<Slice> IncomingBody::ended(const Error& error) {
  if (error.code != ErrorCode::end_of_stream) return fail(error);
  if (kind_ == Framing::Kind::until_close) {
    finish();
    return Slice();
  }
  return fail(ErrorCode::truncated, from_.origin, "the connection ended inside the body");
}

}  // namespace weir::h1

#include "middleware/compress/compressed_body.h"

#include <utility>

#include "http/compression/encoder_pool.h"

namespace weir {

CompressedBody::~CompressedBody() { give_back(); }

// Not only with the exchange: while that waits for its client, others can use it.
void CompressedBody::give_back() {
  EncoderPool::of(loop_.slots()).give_back(coding_, std::move(encoder_));
}

void CompressedBody::begin() {
  std::uint64_t total = 0;
  while (ahead_end_ < kAhead) {
    Result<std::optional<Slice>> piece = advance(Wait::keep);
    if (!piece) error_ = piece.error();
    if (!piece || !*piece) return;
    if ((*piece)->empty()) {
      length_ = total;
      return;
    }
    total += (*piece)->size();
    ahead_[ahead_end_++] = std::move(**piece);
  }
}

std::optional<Slice> CompressedBody::queued() {
  if (ahead_first_ == ahead_end_) return std::nullopt;
  return std::exchange(ahead_[ahead_first_++], Slice());
}

Task<Result<Slice>> CompressedBody::read() {
  if (std::optional<Slice> piece = queued()) co_return std::move(*piece);
  if (error_.code != ErrorCode::none) co_return fail(error_);
  if (spent_ >= kBudget) (void)co_await loop_.yield();
  spent_ = 0;
  while (true) {
    Result<std::optional<Slice>> piece = advance(Wait::flush);
    if (!piece) co_return fail(piece.error());
    if (*piece) co_return std::move(**piece);
    Result<Slice> fresh = co_await source_.read();
    if (!fresh) co_return fail(fresh.error());
    spent_ = 0;
    feed(std::move(*fresh));
  }
}

std::optional<Slice> CompressedBody::try_read() {
  if (std::optional<Slice> piece = queued()) return piece;
  if (error_.code != ErrorCode::none || spent_ >= kBudget) return std::nullopt;
  Result<std::optional<Slice>> piece = advance(Wait::flush);
  if (!piece) {
    error_ = piece.error();
    return std::nullopt;
  }
  return std::move(*piece);
}

// The next slice, empty at the end; nothing if the source has to be waited for.
Result<std::optional<Slice>> CompressedBody::advance(Wait wait) {
  while (true) {
    if (more_ || !left_.empty()) {
      Result<std::optional<Slice>> piece = encode();
      if (!piece || *piece) return piece;
      continue;
    }
    input_ = Slice();
    if (ended_) return Slice();
    std::optional<Slice> fresh = source_.try_read();
    if (fresh) {
      feed(std::move(*fresh));
    } else if (dirty_ && wait == Wait::flush) {
      flush_ = Flush::sync;
      more_ = true;
      dirty_ = false;
    } else {
      return std::nullopt;
    }
  }
}

void CompressedBody::feed(Slice piece) {
  ended_ = piece.empty();
  flush_ = ended_ ? Flush::end : Flush::none;
  more_ = ended_;
  dirty_ = true;
  spent_ += piece.size();
  input_ = std::move(piece);
  left_ = input_.view();
}

Result<std::optional<Slice>> CompressedBody::encode() {
  BufferPool& buffers = loop_.buffers();
  BufferPool::Loan loan = buffers.lend(false);
  Result<Encoded> done = encoder_->encode(left_, {loan.data, loan.size}, flush_);
  if (!done) return fail(done.error());
  more_ = done->more;
  if (flush_ == Flush::end && !more_) give_back();
  if (done->written == 0) return std::nullopt;
  return buffers.commit(loan, done->written);
}

}  // namespace weir

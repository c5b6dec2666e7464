#include "middleware/decompress/decoded_body.h"

namespace weir {

Task<Result<Slice>> DecodedBody::read() {
  if (error_.code != ErrorCode::none) co_return fail(error_);
  if (spent_ >= kBudget) (void)co_await loop_.yield();
  spent_ = 0;
  while (true) {
    Result<std::optional<Slice>> piece = advance();
    if (!piece) co_return fail(piece.error());
    if (*piece) co_return std::move(**piece);
    Result<Slice> fresh = co_await source_.read();
    if (!fresh) co_return fail(fresh.error());
    feed(std::move(*fresh));
  }
}

std::optional<Slice> DecodedBody::try_read() {
  if (error_.code != ErrorCode::none || spent_ >= kBudget) return std::nullopt;
  Result<std::optional<Slice>> piece = advance();
  if (!piece) {
    error_ = piece.error();
    return std::nullopt;
  }
  return std::move(*piece);
}

// The next slice, empty at the end; nothing if the source has to be waited for.
Result<std::optional<Slice>> DecodedBody::advance() {
  while (true) {
    if (more_ || !left_.empty()) {
      Result<std::optional<Slice>> piece = decode();
      if (!piece || *piece) return piece;
      continue;
    }
    input_ = Slice();
    if (ended_) return end();
    std::optional<Slice> fresh = source_.try_read();
    if (!fresh) return std::nullopt;
    feed(std::move(*fresh));
  }
}

void DecodedBody::feed(Slice piece) {
  ended_ = piece.empty();
  input_ = std::move(piece);
  left_ = input_.view();
}

Result<std::optional<Slice>> DecodedBody::decode() {
  BufferPool& buffers = loop_.buffers();
  BufferPool::Loan loan = buffers.lend(false);
  Result<Decoded> done = decoder_->decode(left_, {loan.data, loan.size}, Origin::upstream);
  if (!done) return fail(done.error());
  more_ = done->more;
  if (!more_ && !left_.empty()) {
    return fail(ErrorCode::parse, Origin::upstream, "the content is not encoded as it says");
  }
  if (done->written > room_) {
    return fail(ErrorCode::limit, Origin::upstream, "the content expands to too much");
  }
  room_ -= done->written;
  spent_ += done->written;
  if (done->written == 0) return std::nullopt;
  return buffers.commit(loan, done->written);
}

Result<Slice> DecodedBody::end() const {
  if (decoder_->complete()) return Slice();
  return fail(ErrorCode::truncated, Origin::upstream, "the content ends too early");
}

}  // namespace weir

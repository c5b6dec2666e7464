#include "http/fastcgi/output_body.h"

#include <algorithm>
#include <utility>

#include "io/buffer.h"

namespace weir::fastcgi {

Task<Result<Slice>> OutputBody::read() {
  while (true) {
    if (failed_) co_return fail(*failed_);
    if (!rest_.empty()) co_return std::exchange(rest_, Slice());
    Result<Slice> piece = next_output();
    if (!piece || !piece->empty() || complete_) co_return piece;
    waiting_ = true;
    Result<Slice> got = co_await stream_.read(stop_, hint_);
    waiting_ = false;
    if (!got && got.error().code == ErrorCode::end_of_stream && begun_) {
      co_return fail(ErrorCode::truncated, Origin::upstream, "the application ended in its answer");
    }
    if (!got) co_return fail(got.error());
    // An application that fills whole buffers is worth larger ones.
    hint_ = got->size() >= BufferPool::kBlockBytes / 2 ? BufferPool::kBulkBytes : 0;
    unread_ = std::move(*got);
  }
}

std::optional<Slice> OutputBody::try_read() {
  while (!failed_) {
    if (!rest_.empty()) return std::exchange(rest_, Slice());
    Result<Slice> piece = next_output();
    if (!piece) {
      failed_ = piece.error();
      break;
    }
    if (!piece->empty() || complete_) return std::move(*piece);
    std::optional<Result<Slice>> got = stream_.try_read(hint_);
    if (!got || !*got) break;
    unread_ = std::move(**got);
  }
  return std::nullopt;
}

Status OutputBody::begin(Slice rest, std::optional<std::uint64_t> length) {
  begun_ = true;
  received_ = 0;
  length_ = length;
  Result<Slice> piece = account(std::move(rest));
  if (!piece) return fail(piece.error());
  rest_ = std::move(*piece);
  Result<Slice> whole = complete_ ? finish() : Slice();
  if (!whole) return fail(whole.error());
  return {};
}

void OutputBody::discard() {
  while (!unread_.empty() && !complete_ && next_output()) {
  }
}

// The next piece of what was read; empty if there is none in it, or at the end.
Result<Slice> OutputBody::next_output() {
  while (!unread_.empty() && !complete_) {
    Result<RecordReader::Step> step = records_.next(unread_.view());
    if (!step) return fail(step.error());
    Slice piece;
    if (step->kind == RecordReader::Step::Kind::output) piece = unread_.part(step->data);
    if (step->kind == RecordReader::Step::Kind::error_output) keep_error_text(step->data);
    unread_.advance(step->consumed);
    if (unread_.empty()) unread_ = Slice();
    if (step->kind == RecordReader::Step::Kind::end) {
      complete_ = true;
      observer_.output_complete();
      return finish();
    }
    if (!piece.empty()) return account(std::move(piece));
  }
  return Slice();
}

Result<Slice> OutputBody::account(Slice piece) {
  received_ += piece.size();
  if (length_ && received_ > *length_) {
    return fail(ErrorCode::bad_framing, Origin::upstream, "more output than Content-Length");
  }
  // Whoever takes the last byte does not ask again: the end is looked for at once.
  Result<Slice> end = begun_ && all_has_come() && !piece.empty() ? next_output() : Slice();
  if (!end) return fail(end.error());
  return piece;
}

Result<Slice> OutputBody::finish() {
  if (begun_ && length_ && received_ < *length_) {
    return fail(ErrorCode::truncated, Origin::upstream, "less output than Content-Length");
  }
  return Slice();
}

void OutputBody::keep_error_text(std::string_view text) {
  std::size_t kept = std::min(text.size(), kMostErrorText - error_text_.size());
  error_text_ += text.substr(0, kept);
  error_left_out_ += text.size() - kept;
}

}  // namespace weir::fastcgi

#include "middleware/buffer/buffered_body.h"

namespace weir {

// --- StoredBody --------------------------------------------------------------------------------

Task<Status> StoredBody::store(Body& source) {
  source_ = &source;
  while (true) {
    Result<Slice> piece = co_await source.read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) co_return Status();
    length_ += piece->size();
    co_await spool_.put(*piece);
    if (piece->empty()) continue;
    spool_.refused();
    if (spool_.disk_failed()) {
      co_return fail(ErrorCode::overloaded, Origin::weir, "a temporary file failed");
    }
    co_return fail(ErrorCode::body_too_large, Origin::client, "more than is buffered");
  }
}

Task<Result<Slice>> StoredBody::read() {
  if (!spool_.ready()) co_return Slice();
  co_return co_await spool_.take();
}

std::optional<Slice> StoredBody::try_read() {
  if (!spool_.ready()) return Slice();
  return spool_.take_from_memory();
}

// --- ReadAheadBody -----------------------------------------------------------------------------

void ReadAheadBody::begin() {
  std::uint64_t all = 0;
  while (held_.empty()) {
    std::optional<Slice> piece = source_.try_read();
    if (!piece) break;
    if (piece->empty()) {
      ended_ = true;
      all_ = all;
      return;
    }
    all += piece->size();
    spool_.put_in_memory(*piece);
    held_ = std::move(*piece);
  }
  exchange_.scope().spawn(read_ahead());
}

Task<void> ReadAheadBody::read_ahead() {
  while (true) {
    Status kept = co_await keep_all();
    if (!kept) {
      error_ = kept.error();
      break;
    }
    Result<Slice> piece = co_await source_.read();
    if (!piece) {
      error_ = piece.error();
      break;
    }
    if (piece->empty()) {
      ended_ = true;
      break;
    }
    held_ = std::move(*piece);
  }
  came_.raise();
}

Task<Status> ReadAheadBody::keep_all() {
  while (!held_.empty()) {
    std::size_t before = held_.size();
    co_await spool_.put(held_);
    if (held_.size() < before) came_.raise();
    if (held_.empty()) break;
    Status woke = co_await taken_.wait(exchange_.stop());
    if (!woke) co_return woke;
  }
  co_return Status();
}

Task<Result<Slice>> ReadAheadBody::read() {
  while (!spool_.ready()) {
    if (error_.code != ErrorCode::none) co_return fail(error_);
    if (ended_) co_return Slice();
    Status woke = co_await came_.wait(exchange_.stop());
    if (!woke) co_return fail(woke.error());
  }
  Result<Slice> piece = co_await spool_.take();
  taken_.raise();
  co_return piece;
}

std::optional<Slice> ReadAheadBody::try_read() {
  if (std::optional<Slice> piece = spool_.take_from_memory()) {
    taken_.raise();
    return piece;
  }
  if (ended_ && !spool_.ready()) return Slice();
  return std::nullopt;
}

std::optional<std::uint64_t> ReadAheadBody::length() const {
  return all_ ? all_ : source_.length();
}

}  // namespace weir

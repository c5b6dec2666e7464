#include "middleware/buffer/spool.h"

#include <algorithm>
#include <utility>

#include "core/log.h"

namespace weir {

Spool::~Spool() {
  limits_.budget->give_back(taken_);
  limits_.use->disk.fetch_sub(taken_, std::memory_order_relaxed);
  limits_.use->memory.fetch_sub(counted_, std::memory_order_relaxed);
  if (file_ >= 0) work_.close(file_);
}

// --- putting in --------------------------------------------------------------------------------

void Spool::put_in_memory(Slice& piece) {
  while (!piece.empty() && bytes_ < limits_.memory && !in_file()) {
    if (open_ == nullptr || open_->room() == 0) {
      open_ = ByteChunk::make(kChunk);
      pieces_.push_back(open_->since(0));
    }
    std::size_t size = std::min({piece.size(), open_->room(), limits_.memory - bytes_});
    std::size_t before = pieces_.back().size();
    open_->append(piece.view().substr(0, size));
    pieces_.back() = open_->since(open_->used() - size - before);
    bytes_ += size;
    piece.advance(size);
  }
  count_memory();
}

// What all workers share is touched once for a few chunks, not for each piece.
void Spool::count_memory() {
  std::size_t held = (pieces_.size() - first_) * kChunk;
  std::size_t apart = held > counted_ ? held - counted_ : counted_ - held;
  if (apart == 0 || (held > 0 && apart < kCounted)) return;
  limits_.use->memory.fetch_add(held - counted_, std::memory_order_relaxed);
  counted_ = held;
}

Task<void> Spool::put(Slice& piece) {
  put_in_memory(piece);
  while (!piece.empty()) {
    if (!co_await put_in_file(piece)) co_return;
  }
}

Task<bool> Spool::put_in_file(Slice& piece) {
  std::uint64_t room = limits_.disk - written_;
  std::size_t size = std::min<std::uint64_t>({piece.size(), room, kWrite});
  if (size == 0 || disk_failed_ || !limits_.budget->take(size)) co_return false;
  taken_ += size;
  limits_.use->disk.fetch_add(size, std::memory_order_relaxed);
  if (!std::exchange(spilled_, true)) limits_.use->spilled.fetch_add(1, std::memory_order_relaxed);
  writing_ = true;
  bool open = file_ >= 0 || co_await open_file();
  if (open) {
    Result<std::size_t> put = co_await work_.write(file_, piece.view().substr(0, size), written_);
    if (!put) disk_fails(put.error());
  }
  writing_ = false;
  if (disk_failed_) co_return false;
  written_ += size;
  piece.advance(size);
  co_return true;
}

Task<bool> Spool::open_file() {
  Result<std::size_t> made = co_await work_.make(limits_.directory);
  if (made) {
    file_ = static_cast<int>(*made);
  } else {
    disk_fails(made.error());
  }
  co_return made.has_value();
}

void Spool::disk_fails(const Error& why) {
  disk_failed_ = true;
  log("buffer_disk", {{"directory", limits_.directory}, {"error", why.detail}});
}

// --- taking out --------------------------------------------------------------------------------

std::optional<Slice> Spool::take_from_memory() {
  if (first_ == pieces_.size()) return std::nullopt;
  Slice piece = std::move(pieces_[first_++]);
  bytes_ -= piece.size();
  if (first_ == pieces_.size()) {
    pieces_.clear();
    first_ = 0;
    open_ = nullptr;
  }
  count_memory();
  return piece;
}

Task<Result<Slice>> Spool::take() {
  if (std::optional<Slice> piece = take_from_memory()) co_return std::move(*piece);
  std::size_t size = std::min<std::uint64_t>(written_ - read_, kRead);
  ByteChunk* chunk = ByteChunk::make(size);
  Slice alive = chunk->since(0);
  Result<std::size_t> got = co_await work_.read(file_, chunk->data(), size, read_);
  if (!got) co_return fail(got.error());
  if (*got < size) co_return fail(ErrorCode::io, Origin::weir, "the temporary file is too short");
  chunk->filled(size);
  read_ += size;
  if (!in_file()) begin_anew();
  co_return chunk->since(0);
}

void Spool::begin_anew() {
  written_ = read_ = 0;
  limits_.use->disk.fetch_sub(taken_, std::memory_order_relaxed);
  limits_.budget->give_back(std::exchange(taken_, 0));
}

}  // namespace weir

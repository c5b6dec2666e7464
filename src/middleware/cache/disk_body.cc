#include "middleware/cache/disk_body.h"

#include <algorithm>

namespace weir::cache {

Task<Result<Slice>> DiskBody::read() {
  if (left_ == 0) co_return Slice();
  std::uint64_t block = at_ / kDiskBlock;
  Slice chunk = Chunk::make(file_->size_of(block), Charge());
  auto work = [file = file_, chunk, block] { return file->read(block, Chunk::bytes(chunk)); };
  Result<Result<std::uint64_t>> done = co_await disk_->reading().run(loop_, std::move(work), stop_);
  if (!done) co_return fail(done.error());
  if (!*done) co_return fail(done->error());
  chunk.advance(at_ - block * kDiskBlock);
  Slice piece = chunk.take(std::min<std::uint64_t>(chunk.size(), left_));
  at_ += piece.size();
  left_ -= piece.size();
  co_return piece;
}

}  // namespace weir::cache

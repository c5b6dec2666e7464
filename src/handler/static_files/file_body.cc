#include "handler/static_files/file_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weir {

FileBody::FileBody(Loop& loop, OpenFileRef file, std::span<const FilePart> parts)
    : loop_(loop), file_(std::move(file)), parts_(parts) {
  for (const FilePart& part : parts) length_ += part.text.size() + part.size;
}

std::optional<Slice> FileBody::try_read() {
  Result<Slice> piece = next();
  if (!piece) return std::nullopt;  // `read` finds the error again
  return std::move(*piece);
}

Result<Slice> FileBody::next() {
  while (!parts_.empty()) {
    const FilePart& part = parts_.front();
    if (!text_given_) {
      text_given_ = true;
      if (!part.text.empty()) return Slice::unowned(part.text);
    }
    if (done_ < part.size) {
      Result<Slice> piece = take(part.first + done_, part.size - done_);
      if (piece) done_ += piece->size();
      return piece;
    }
    parts_ = parts_.subspan(1);
    text_given_ = false;
    done_ = 0;
  }
  return Slice();
}

Result<Slice> FileBody::take(std::uint64_t first, std::uint64_t most) {
  if (file_->in_memory()) {
    return Slice(file_.get(), file_->content().data() + first, static_cast<std::size_t>(most));
  }
  if (passes_) return Slice::of_file(file_.get(), file_->descriptor(), first, most);
  BufferPool::Loan loan = loop_.buffers().lend(most > BufferPool::kBlockBytes);
  ssize_t got;
  do {
    got = ::pread(file_->descriptor(), loan.data, std::min<std::uint64_t>(loan.size, most),
                  static_cast<off_t>(first));
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail(from_errno(errno), Origin::weir, "pread");
  if (got == 0) return fail(ErrorCode::truncated, Origin::weir, "the file became shorter");
  return loop_.buffers().commit(loan, static_cast<std::size_t>(got));
}

}  // namespace weir

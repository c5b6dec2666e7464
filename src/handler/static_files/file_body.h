// The body of a response that is a file, or parts of one.
#pragma once

#include <span>
#include <string_view>

#include "handler/static_files/open_file.h"
#include "http/body.h"
#include "io/loop.h"

namespace weir {

/// A text and, behind it, `size` bytes of the file from `first` on; both may be empty.
struct FilePart {
  std::string_view text;
  std::uint64_t first = 0;
  std::uint64_t size = 0;
};

/// A reader who passes bytes on without a look gets ranges of the file; others memory, at most 256
/// KiB of it at a time.
class FileBody final : public Body {
 public:
  /// `parts` and their texts live as long as the body.
  FileBody(Loop& loop, OpenFileRef file, std::span<const FilePart> parts);

  Task<Result<Slice>> read() override { co_return next(); }
  std::optional<Slice> try_read() override;
  void let_pass() override { passes_ = true; }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  Result<Slice> next();
  Result<Slice> take(std::uint64_t first, std::uint64_t most);

  Loop& loop_;
  OpenFileRef file_;
  std::span<const FilePart> parts_;
  std::uint64_t length_ = 0;
  std::uint64_t done_ = 0;  // bytes of the first part's range that were given
  bool text_given_ = false;
  bool passes_ = false;
};

}  // namespace weir

// Body: the content of a message, pulled by whoever sends it on.
#pragma once

#include <cstdint>
#include <optional>

#include "core/result.h"
#include "core/slice.h"
#include "core/task.h"
#include "http/headers.h"

namespace weir {

/// Pulled by one reader. Back-pressure is the absence of a read. After the end or an error it is
/// not read again.
class Body {
 public:
  virtual ~Body() = default;

  /// The next slice; an empty one is the end.
  virtual Task<Result<Slice>> read() = 0;
  /// The same without waiting: nothing if `read` would wait or fail. For what leaves together
  /// with the head, and to know when to flush.
  virtual std::optional<Slice> try_read() = 0;
  /// Told by a reader who passes the slices on without a look, to something that takes all kinds:
  /// those that follow may be pipes or ranges of files. Before it, all are memory.
  virtual void let_pass() {}
  /// All bytes of the body, if known in advance.
  virtual std::optional<std::uint64_t> length() const = 0;
  /// The fields after the body; null if there are none. Only after the end.
  virtual const Headers* trailers() const { return nullptr; }
};

/// A body that is in memory as a whole.
class MemoryBody final : public Body {
 public:
  explicit MemoryBody(Slice content) : content_(std::move(content)), length_(content_.size()) {}
  Task<Result<Slice>> read() override { co_return std::exchange(content_, Slice()); }
  std::optional<Slice> try_read() override { return std::exchange(content_, Slice()); }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  Slice content_;
  std::uint64_t length_;
};

}  // namespace weir

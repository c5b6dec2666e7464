// Spool: bytes in the order in which they came, in memory and then in a temporary file.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/byte_chunk.h"
#include "core/task.h"
#include "io/files/file_work.h"
#include "middleware/buffer/buffer_use.h"
#include "middleware/buffer/disk_budget.h"

namespace weir {

struct SpoolLimits {
  std::size_t memory;     // bytes; the chunk that is being filled comes on top
  std::uint64_t disk;     // size of the file
  const char* directory;  // of the file; lives as long as the spool
  DiskBudget* budget;     // of all files; lives as long
  BufferUse* use;         // counts what is held; lives as long
};

/// One coroutine puts in, another may take out meanwhile. Bytes are copied: a slice would keep all
/// of the block alive in which it lies, and the sender chooses how small slices are. What follows
/// bytes that are in the file goes there too, until the file has been read to its end; then it
/// begins anew.
class Spool {
 public:
  Spool(Loop& loop, const SpoolLimits& limits) : work_(FileWork::of(loop)), limits_(limits) {}
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  /// Takes what fits from the front of `piece`: all of it, unless both limits are reached or the
  /// disk fails.
  Task<void> put(Slice& piece);
  /// The same without waiting: as far as it goes to memory.
  void put_in_memory(Slice& piece);

  /// There is something to take.
  bool ready() const { return first_ < pieces_.size() || written_ > read_; }
  /// The next bytes if they are in memory.
  std::optional<Slice> take_from_memory();
  /// The next bytes; only when `ready`.
  Task<Result<Slice>> take();

  /// What comes was more than it takes.
  void refused() { limits_.use->refused.fetch_add(1, std::memory_order_relaxed); }
  /// The disk has failed; nothing more goes there.
  bool disk_failed() const { return disk_failed_; }

 private:
  static constexpr std::size_t kChunk = 8192 - sizeof(ByteChunk);  // a recycled block
  static constexpr std::size_t kRead = 64 * 1024;
  static constexpr std::size_t kWrite = 256 * 1024;
  static constexpr std::size_t kCounted = 4 * kChunk;  // by so much `use` may be wrong

  bool in_file() const { return writing_ || written_ > read_; }
  Task<bool> put_in_file(Slice& piece);
  Task<bool> open_file();
  void disk_fails(const Error& why);
  void begin_anew();
  void count_memory();

  FileWork& work_;
  const SpoolLimits limits_;
  std::vector<Slice> pieces_;  // in memory, from `first_` on
  std::size_t first_ = 0;
  std::size_t bytes_ = 0;      // in them
  ByteChunk* open_ = nullptr;  // in which the last of them ends
  int file_ = -1;
  std::uint64_t written_ = 0;  // bytes of the file that are there
  std::uint64_t read_ = 0;     // of these, taken
  std::uint64_t taken_ = 0;    // of the budget
  std::size_t counted_ = 0;    // bytes in memory that `use` knows of
  bool spilled_ = false;       // something went to a file
  bool writing_ = false;
  bool disk_failed_ = false;
};

}  // namespace weir

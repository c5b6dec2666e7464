// DiskWriter and DiskFile: one file of a disk cache, while it is written and while it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "middleware/cache/disk.h"

namespace weir::cache {

/// Of an open file; where its body begins, too. Blocks.
std::optional<DiskRecord> read_disk_head(int fd, std::uint64_t& body_at);

/// What `disk` shares with it is `entry`, which was reserved. Blocks in `put` and `finish`; not
/// thread safe, but for one thread after the other. Unless it was finished, nothing is left.
class DiskWriter {
 public:
  /// `record` is of the same response. The disk outlives it.
  DiskWriter(Disk& disk, DiskEntryRef entry, DiskRecord record);
  ~DiskWriter();
  DiskWriter(const DiskWriter&) = delete;
  DiskWriter& operator=(const DiskWriter&) = delete;

  /// The next block; all but the last have kDiskBlock bytes. False: the disk is full or fails.
  bool put(std::string_view block);
  bool finish();

 private:
  bool start();
  bool fail(const char* what);

  Disk& disk_;
  DiskEntryRef entry_;
  DiskRecord record_;
  OwnedFd file_;
  std::uint64_t body_at_ = 0;
  std::uint64_t blocks_ = 0;
  std::uint64_t written_ = 0;  // of the body
  bool failed_ = false;
  bool committed_ = false;
};

/// Open for reading: it is not evicted meanwhile. Any thread.
class DiskFile {
 public:
  /// Blocks. A file that is not what was written is removed: the error says `truncated`, or `io`
  /// if the system failed.
  static Result<std::shared_ptr<DiskFile>> open(Disk& disk, DiskEntryRef entry);
  ~DiskFile() { entry_->readers.fetch_sub(1, std::memory_order_relaxed); }
  DiskFile(const DiskFile&) = delete;
  DiskFile& operator=(const DiskFile&) = delete;

  const DiskRecord& record() const { return record_; }
  std::uint64_t length() const { return record_.length; }
  std::uint64_t blocks() const { return (record_.length + kDiskBlock - 1) / kDiskBlock; }
  std::size_t size_of(std::uint64_t block) const;

  /// Blocks. The bytes of a block, checked, into memory for `size_of` it; its checksum.
  Result<std::uint64_t> read(std::uint64_t block, char* into);
  /// The checksums of all blocks were not those of what was written.
  Error refuse();

 private:
  DiskFile(Disk& disk, DiskEntryRef entry) : disk_(disk), entry_(std::move(entry)) {
    entry_->readers.fetch_add(1, std::memory_order_relaxed);
  }

  Disk& disk_;
  DiskEntryRef entry_;
  OwnedFd file_;
  DiskRecord record_;
  std::uint64_t body_at_ = 0;
};

}  // namespace weir::cache

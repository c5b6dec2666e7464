// What moves between the memory and the disk of a cache, beside the workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/task.h"
#include "middleware/cache/disk.h"
#include "middleware/cache/disk_file.h"
#include "middleware/cache/store.h"

namespace weir::cache {

/// All that is written of a response, but for its body. Its phase is open or complete.
DiskRecord disk_record(std::string_view url, const Object& object, std::uint64_t length,
                       Loop& loop);
/// The opposite. What was written by a clock that was ahead is stale.
ObjectFacts facts_of(const DiskRecord& record, Loop& loop);

/// Removes what the index let go of, and takes the directory if it could not be had before.
Task<void> sweep(Loop& loop, std::shared_ptr<Disk> disk, StopToken stop);

/// Writes a body that is complete in memory. It was reserved.
Task<void> write_behind(Loop& loop, std::shared_ptr<Disk> disk, ObjectRef object,
                        DiskRecord record);

/// Reads a file into the memory of `store`, where the next look-up finds it, whatever comes of it;
/// once for all who wait. An error only of `stop`.
Task<Status> bring_into_memory(Loop& loop, std::shared_ptr<Store> store, DiskEntryRef entry,
                               StopToken stop);

/// A file, and what its threads belong to: these never hold it themselves.
struct OpenFile {
  std::shared_ptr<Disk> disk;
  std::shared_ptr<DiskFile> file;
};

/// For reading it block by block.
Task<Result<OpenFile>> open_file(Loop& loop, DiskEntryRef entry, StopToken stop);

/// A body that goes to the disk as it comes, because memory does not keep it.
class Spool {
 public:
  /// It was reserved.
  Spool(Loop& loop, std::shared_ptr<Disk> disk, DiskEntryRef entry, DiskRecord record);

  /// Waits for the disk at the end of each block. Once it has failed, nothing happens any more.
  Task<void> put(std::string_view bytes, StopToken stop);
  Task<void> finish(StopToken stop);
  /// Lets go of a file that was not finished.
  Task<void> close();

 private:
  Task<void> flush(StopToken stop);

  Loop& loop_;
  std::shared_ptr<Disk> disk_;
  std::shared_ptr<DiskWriter> writer_;
  Slice block_;
  std::size_t size_ = 0;  // bytes of the block that are there
  bool failed_ = false;
};

}  // namespace weir::cache

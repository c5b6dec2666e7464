// Disk: the files of a cache, behind its memory: kept over restarts, checked when they are read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/offload.h"
#include "middleware/cache/disk_directory.h"
#include "middleware/cache/disk_index.h"
#include "middleware/cache/object.h"

namespace weir::cache {

/// For metrics.
struct DiskTotals {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
  std::uint64_t limit = 0;
  std::uint64_t reads = 0;    // responses that came from there
  std::uint64_t writes = 0;   // responses that were written
  std::uint64_t evicted = 0;  // for want of room
  std::uint64_t skipped = 0;  // not written: no room, or more at once than the disk takes
  std::uint64_t broken = 0;   // files with a wrong checksum, or cut off
  std::uint64_t errors = 0;   // of the system
};

/// Any thread. The mutex guards the index and is never held while the disk is waited for. What
/// says so blocks; whoever belongs to a worker has it done by `reading` or `writing`. A file is
/// written under another name first and has its own when all of it is there.
class Disk : public std::enable_shared_from_this<Disk> {
 public:
  /// After an error nothing is written for so long.
  static constexpr Duration kPause = std::chrono::seconds(10);

  explicit Disk(std::string path) : directory_(std::move(path)) {}
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  const std::string& path() const { return directory_.path(); }

  /// Blocks. Takes the directory if that was not done, and reads the heads of its files; holds to
  /// `limits` from now on. False: there is none, as the log says.
  bool open(const DiskLimits& limits);
  /// `open` failed, and it is time to try again. True once until the next time.
  bool wants_open(TimePoint now);
  /// `open` once more, with the same limits. Blocks.
  void open_again();

  // --- the index ---------------------------------------------------------------------------------

  DiskEntryRef find(std::string_view url, std::string_view extras, const Headers& request);
  /// What a purge, an eviction or something newer has not removed.
  bool has(const DiskEntry& entry);
  /// Null if it has no room, or does not want it now. What answers `request` goes in any case.
  DiskEntryRef reserve(DiskFacts facts, std::uint64_t head_size, const Headers& request,
                       TimePoint now);
  void replace(std::string_view url, std::string_view extras, const Headers& request);
  void remove(DiskEntry& entry);
  /// What is being read into memory for others, too; `begun` if nobody had begun.
  std::shared_ptr<Object> loading(DiskEntry& entry, bool& begun);
  void loaded(DiskEntry& entry);

  std::size_t purge_url(std::string_view url);
  void purge_slices(std::string_view url);
  std::size_t purge_prefix(std::string_view prefix);
  std::size_t purge_tag(std::string_view tag);

  /// Blocks: removes the files that the index has let go of.
  void sweep();
  bool has_trash();

  // --- for writers and readers of files ----------------------------------------------------------

  Offload& reading() { return reading_; }
  Offload& writing() { return writing_; }
  DiskDirectory& directory() { return directory_; }
  bool commit(DiskEntry& entry);
  void abandon(DiskEntry& entry);
  /// `what` failed, as errno says: writing pauses.
  void failed(const char* what);
  /// The file is not what was written.
  void broken(DiskEntry& entry);
  void skipped() { ++skipped_; }
  void read() { ++reads_; }

  DiskTotals totals();

 private:
  using Mutex = std::lock_guard<std::mutex>;
  std::vector<DiskEntryRef> scan();
  DiskEntryRef look_at(std::uint64_t id);
  template <class Wanted>
  std::size_t purge(std::string_view prefix, Wanted wanted);

  DiskDirectory directory_;
  std::mutex opening_;   // held while it is opened
  std::mutex sweeping_;  // held while files are removed
  std::mutex mutex_;     // of all up to the counters
  DiskIndex index_;
  DiskLimits limits_;
  Forgotten forgotten_;
  bool ready_ = false;
  std::uint64_t next_id_ = 1;
  TimePoint retry_at_{};
  bool failed_ = false;

  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> writes_{0};
  std::atomic<std::uint64_t> skipped_{0};
  std::atomic<std::uint64_t> broken_{0};
  std::atomic<std::uint64_t> errors_{0};

  // The last ones: their threads end before anything else goes.
  Offload reading_{{.threads = 4, .waiting = 4096}};
  Offload writing_{{.threads = 2, .waiting = 256}};
};

}  // namespace weir::cache

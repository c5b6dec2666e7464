// The files that a worker has open, by path: found again without a system call, looked at again
// soon.
#pragma once

#include <expected>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "handler/static_files/media_types.h"
#include "handler/static_files/open_file.h"
#include "handler/static_files_config.h"
#include "io/files/root.h"
#include "io/loop.h"

namespace weir {

/// One per worker and handler. Bounded by the number of files and by the bytes of those in memory.
/// A file that was replaced or removed is noticed after `recheck`, one that is not in memory and
/// was written to at once; one that nobody asks for is closed after a minute or two.
class OpenFiles {
 public:
  static constexpr Duration kIdle = std::chrono::minutes(1);

  OpenFiles(Loop& loop, std::shared_ptr<const StaticFilesConfig> config);

  /// The file, or why there is none, of errno: EISDIR for a directory.
  std::expected<OpenFileRef, int> find(std::string_view path);

  /// Below which files are found now. Null while there is none.
  const Root* root();

  std::size_t files() const { return by_path_.size(); }
  std::size_t memory() const { return memory_; }

 private:
  struct Entry {
    std::string path;
    OpenFileRef file;
    TimePoint checked;
    TimePoint used;
    std::size_t memory;
  };
  using Entries = std::list<Entry>;  // the last used first
  struct Sweep : Timer {
    using Timer::Timer;
    OpenFiles* owner = nullptr;
  };

  std::expected<OpenFileRef, int> open(const std::string& path);
  bool is_current(const OpenFile& file, const std::string& path);
  std::vector<OpenFileRef> variants_of(const OpenFile& file, const std::string& path);
  void describe(OpenFile& file, std::string_view path) const;
  void keep(const std::string& path, const OpenFileRef& file);
  void drop(Entries::iterator entry);
  void clear();
  void sweep();

  Loop& loop_;
  std::shared_ptr<const StaticFilesConfig> kept_config_;
  const StaticFilesConfig& config_;
  Sweep sweep_;
  std::optional<Root> root_;
  int root_error_ = 0;
  TimePoint root_checked_ = TimePoint::min();
  Entries entries_;
  absl::flat_hash_map<std::string_view, Entries::iterator> by_path_;
  std::size_t memory_ = 0;
};

}  // namespace weir

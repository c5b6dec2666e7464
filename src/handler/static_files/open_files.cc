#include "handler/static_files/open_files.h"

#include <cerrno>

#include "core/glob.h"
#include "http/syntax.h"

namespace weir {
namespace {

struct Sibling {
  Precompressed kind;
  std::string_view ending;
  Coding coding;
};

constexpr Sibling kSiblings[] = {{Precompressed::br, ".br", Coding::brotli},
                                 {Precompressed::zstd, ".zst", Coding::zstd},
                                 {Precompressed::gzip, ".gz", Coding::gzip}};

const Sibling& sibling(Precompressed kind) {
  for (const Sibling& each : kSiblings) {
    if (each.kind == kind) return each;
  }
  return kSiblings[0];
}

std::size_t memory_of(const OpenFile& file) {
  std::size_t bytes = sizeof(OpenFile) + file.content().size();
  for (const OpenFileRef& each : file.variants) bytes += memory_of(*each);
  return bytes;
}

// What is read from a descriptor may have been written to since.
bool is_untouched(const OpenFile& file) {
  if (file.in_memory()) return true;
  struct stat status{};
  return ::fstat(file.descriptor(), &status) == 0 && FileIdentity::of(status) == file.identity();
}

}  // namespace

OpenFiles::OpenFiles(Loop& loop, std::shared_ptr<const StaticFilesConfig> config)
    : loop_(loop),
      kept_config_(std::move(config)),
      config_(*kept_config_),
      sweep_([](Timer& self) { static_cast<Sweep&>(self).owner->sweep(); }) {
  sweep_.owner = this;
}

const Root* OpenFiles::root() {
  TimePoint now = loop_.now();
  bool due = root_checked_ == TimePoint::min() || now - root_checked_ >= config_.open_files.recheck;
  if (!due) return root_ ? &*root_ : nullptr;
  root_checked_ = now;
  if (root_ && root_->is_at(*config_.root)) return &*root_;
  auto opened = Root::open(*config_.root);
  clear();
  if (opened) {
    root_.emplace(std::move(*opened));
  } else {
    root_error_ = opened.error();
  }
  return root_ ? &*root_ : nullptr;
}

std::expected<OpenFileRef, int> OpenFiles::find(std::string_view path) {
  if (root() == nullptr) return std::unexpected(root_error_);
  auto known = by_path_.find(path);
  if (known == by_path_.end()) return open(std::string(path));
  Entries::iterator entry = known->second;
  TimePoint now = loop_.now();
  bool fresh = now - entry->checked < config_.open_files.recheck && is_untouched(*entry->file);
  if (!fresh && !is_current(*entry->file, entry->path)) {
    drop(entry);
    return open(std::string(path));
  }
  if (!fresh) entry->checked = now;
  entry->used = now;
  entries_.splice(entries_.begin(), entries_, entry);
  return entry->file;
}

std::expected<OpenFileRef, int> OpenFiles::open(const std::string& path) {
  auto found = root_->find(path, config_.symlinks, config_.hidden);
  if (!found) return std::unexpected(found.error());
  if (S_ISDIR(found->status.st_mode)) return std::unexpected(EISDIR);
  OpenFileRef file = OpenFile::make(std::move(*found), Coding::identity);
  describe(*file, path);
  file->variants = variants_of(*file, path);
  keep(path, file);
  return file;
}

// Whether the path leads to the very same file, with the same ones beside it.
bool OpenFiles::is_current(const OpenFile& file, const std::string& path) {
  auto found = root_->find(path, config_.symlinks, config_.hidden);
  if (!found || FileIdentity::of(found->status) != file.identity()) return false;
  std::size_t there = 0;
  for (Precompressed kind : config_.precompressed) {
    const Sibling& beside = sibling(kind);
    auto other = root_->find(path + std::string(beside.ending), config_.symlinks, config_.hidden);
    if (!other || !S_ISREG(other->status.st_mode)) continue;
    FileIdentity identity = FileIdentity::of(other->status);
    if (identity.modified < file.identity().modified) continue;
    if (there == file.variants.size() || file.variants[there]->identity() != identity) return false;
    ++there;
  }
  return there == file.variants.size();
}

std::vector<OpenFileRef> OpenFiles::variants_of(const OpenFile& file, const std::string& path) {
  std::vector<OpenFileRef> variants;
  for (Precompressed kind : config_.precompressed) {
    const Sibling& beside = sibling(kind);
    auto found = root_->find(path + std::string(beside.ending), config_.symlinks, config_.hidden);
    if (!found || !S_ISREG(found->status.st_mode)) continue;
    // An older one was made of another content.
    if (FileIdentity::of(found->status).modified < file.identity().modified) continue;
    variants.push_back(OpenFile::make(std::move(*found), beside.coding));
    describe(*variants.back(), path);
  }
  return variants;
}

void OpenFiles::describe(OpenFile& file, std::string_view path) const {
  std::string_view ending = ending_of(path);
  for (const auto& own : config_.types) {
    if (iequals(std::string_view(own.name).substr(1), ending)) file.type = own.value;
  }
  if (file.type.empty()) file.type = MediaTypes::system().of(path);
  std::string_view name = path.substr(path.rfind('/') + 1);
  for (const auto& rule : config_.cache_control) {
    std::string_view pattern = rule.name;
    bool whole = pattern.starts_with('/');
    if (!(whole ? fits(pattern.substr(1), path) : fits(pattern, name))) continue;
    file.cache_control = rule.value;
    return;
  }
}

void OpenFiles::keep(const std::string& path, const OpenFileRef& file) {
  std::size_t memory = memory_of(*file) + path.size() + sizeof(Entry);
  const OpenFilesConfig& limits = config_.open_files;
  if (memory > limits.memory.bytes) return;
  while (!entries_.empty() &&
         (by_path_.size() >= limits.files || memory_ + memory > limits.memory.bytes)) {
    drop(std::prev(entries_.end()));
  }
  entries_.push_front({path, file, loop_.now(), loop_.now(), memory});
  by_path_.emplace(entries_.front().path, entries_.begin());
  memory_ += memory;
  if (!sweep_.armed()) loop_.timers().arm(sweep_, loop_.now() + kIdle);
}

void OpenFiles::drop(Entries::iterator entry) {
  memory_ -= entry->memory;
  by_path_.erase(entry->path);
  entries_.erase(entry);
}

void OpenFiles::clear() {
  by_path_.clear();
  entries_.clear();
  memory_ = 0;
  root_.reset();
}

// A file that was removed takes its space on the disk until it is closed; so does what was served
// by a configuration that is no longer in force.
void OpenFiles::sweep() {
  while (!entries_.empty() && loop_.now() - entries_.back().used >= kIdle) {
    drop(std::prev(entries_.end()));
  }
  if (!entries_.empty()) return loop_.timers().arm(sweep_, loop_.now() + kIdle);
  clear();
  root_checked_ = TimePoint::min();
}

}  // namespace weir

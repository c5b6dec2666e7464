#include "middleware/cache/disk.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/log.h"
#include "middleware/cache/disk_file.h"

namespace weir::cache {
namespace {

// Addresses that a purge looks at before it lets others in.
constexpr std::size_t kPurgeStep = 1024;
}  // namespace

// --- opening -------------------------------------------------------------------------------------

bool Disk::open(const DiskLimits& limits) {
  Mutex opening(opening_);
  {
    Mutex lock(mutex_);
    limits_ = limits;
    if (ready_) index_.trim(limits_);
  }
  bool ready = directory_.locked();
  if (!ready) {
    std::string wrong = directory_.lock();
    if (!wrong.empty()) {
      ++errors_;
      log("cache_disk_unusable", {{"directory", path()}, {"reason", wrong}});
      Mutex lock(mutex_);
      failed_ = true;
      return false;
    }
    std::vector<DiskEntryRef> found = scan();
    Mutex lock(mutex_);
    for (const DiskEntryRef& entry : found) {
      index_.add(entry);
      if (forgotten_.holds(entry->facts)) index_.remove(*entry);
      next_id_ = std::max(next_id_, entry->facts.id + 1);
    }
    forgotten_ = {};
    index_.trim(limits_);
    ready_ = true;
  }
  sweep();
  return true;
}

// Oldest first, so that what came last is the last of its address.
std::vector<DiskEntryRef> Disk::scan() {
  std::vector<DiskEntryRef> found;
  directory_.scan([&](std::uint64_t id) {
    if (DiskEntryRef entry = look_at(id)) {
      found.push_back(std::move(entry));
    } else {
      ++broken_;
      directory_.remove(id);
    }
  });
  std::ranges::sort(found, {}, [](const DiskEntryRef& entry) { return entry->facts.id; });
  return found;
}

DiskEntryRef Disk::look_at(std::uint64_t id) {
  OwnedFd file(directory_.open(id));
  struct stat facts;
  if (!file.ok() || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return nullptr;
  std::uint64_t body_at = 0;
  std::optional<DiskRecord> record = read_disk_head(file.get(), body_at);
  if (!record || record->id != id) return nullptr;
  auto entry = std::make_shared<DiskEntry>();
  entry->size = body_at + disk_body_size(record->length);
  if (entry->size != static_cast<std::uint64_t>(facts.st_size)) return nullptr;
  entry->facts = std::move(*record);
  entry->owner = weak_from_this();
  entry->state = DiskEntry::State::ready;
  return entry;
}

bool Disk::wants_open(TimePoint now) {
  Mutex lock(mutex_);
  if (ready_ || limits_.bytes == 0) return false;
  if (std::exchange(failed_, false)) retry_at_ = now + kPause;
  if (now < retry_at_) return false;
  retry_at_ = now + kPause;
  return true;
}

void Disk::open_again() {
  DiskLimits limits;
  {
    Mutex lock(mutex_);
    limits = limits_;
  }
  open(limits);
}

// --- the index -----------------------------------------------------------------------------------

DiskEntryRef Disk::find(std::string_view url, std::string_view extras, const Headers& request) {
  Mutex lock(mutex_);
  return index_.find(url, extras, request);
}

bool Disk::has(const DiskEntry& entry) {
  Mutex lock(mutex_);
  return entry.state == DiskEntry::State::ready;
}

DiskEntryRef Disk::reserve(DiskFacts facts, std::uint64_t head_size, const Headers& request,
                           TimePoint now) {
  Mutex lock(mutex_);
  if (!ready_) {
    forgotten_.add_url(facts.url);
    return nullptr;
  }
  index_.replace(facts.url, facts.extras, request);
  if (std::exchange(failed_, false)) retry_at_ = now + kPause;
  std::uint64_t size = head_size + disk_body_size(facts.length);
  bool wanted = now >= retry_at_ && facts.length <= limits_.max_object &&
                head_size <= kMostDiskHead && index_.reserve(limits_, size);
  if (!wanted) {
    ++skipped_;
    return nullptr;
  }
  auto entry = std::make_shared<DiskEntry>();
  entry->facts = std::move(facts);
  entry->facts.id = next_id_++;
  entry->owner = weak_from_this();
  entry->size = size;
  index_.add(entry);
  return entry;
}

void Disk::replace(std::string_view url, std::string_view extras, const Headers& request) {
  Mutex lock(mutex_);
  if (ready_) {
    index_.replace(url, extras, request);
  } else {
    forgotten_.add_url(url);
  }
}

void Disk::remove(DiskEntry& entry) {
  Mutex lock(mutex_);
  index_.remove(entry);
}

std::shared_ptr<Object> Disk::loading(DiskEntry& entry, bool& begun) {
  Mutex lock(mutex_);
  begun = entry.loading == nullptr;
  if (begun) entry.loading = std::make_shared<Object>(std::string(), Charge());
  return entry.loading;
}

void Disk::loaded(DiskEntry& entry) {
  Mutex lock(mutex_);
  entry.loading.reset();
}

bool Disk::commit(DiskEntry& entry) {
  Mutex lock(mutex_);
  if (!index_.commit(entry)) return false;
  ++writes_;
  return true;
}

void Disk::abandon(DiskEntry& entry) {
  Mutex lock(mutex_);
  index_.abandon(entry);
}

// --- purging -------------------------------------------------------------------------------------

std::size_t Disk::purge_url(std::string_view url) {
  Mutex lock(mutex_);
  if (!ready_) forgotten_.add_url(url);
  return index_.purge_url(url);
}

void Disk::purge_slices(std::string_view url) {
  Mutex lock(mutex_);
  index_.purge_slices(url);
}

template <class Wanted>
std::size_t Disk::purge(std::string_view prefix, Wanted wanted) {
  std::size_t count = 0;
  std::string from(prefix);
  do {
    Mutex lock(mutex_);
    count += index_.purge_some(from, kPurgeStep, wanted);
  } while (!from.empty() && from.starts_with(prefix));
  return count;
}

std::size_t Disk::purge_prefix(std::string_view prefix) {
  {
    Mutex lock(mutex_);
    if (!ready_) forgotten_.add_prefix(prefix);
  }
  return purge(prefix, [&](const DiskEntry& entry) { return entry.facts.url.starts_with(prefix); });
}

std::size_t Disk::purge_tag(std::string_view tag) {
  {
    Mutex lock(mutex_);
    if (!ready_) forgotten_.add_tag(tag);
  }
  return purge({}, [&](const DiskEntry& entry) { return has_tag(entry.facts.tags, tag); });
}

void Disk::sweep() {
  Mutex sweeping(sweeping_);
  std::vector<DiskTrash> trash;
  {
    Mutex lock(mutex_);
    trash = index_.take_trash();
  }
  for (const DiskTrash& file : trash) {
    directory_.remove(file.id);
    Mutex lock(mutex_);
    index_.removed(file);
  }
}

bool Disk::has_trash() {
  Mutex lock(mutex_);
  return index_.has_trash();
}

// --- what goes wrong -----------------------------------------------------------------------------

void Disk::failed(const char* what) {
  int error = errno;
  ++errors_;
  {
    Mutex lock(mutex_);
    failed_ = true;
  }
  std::array<char, 128> text;
  log("cache_disk_failed", {{"directory", path()},
                            {"operation", what},
                            {"reason", ::strerror_r(error, text.data(), text.size())}});
}

void Disk::broken(DiskEntry& entry) {
  ++broken_;
  log("cache_disk_broken", {{"directory", path()}, {"url", entry.facts.url}});
  remove(entry);
}

DiskTotals Disk::totals() {
  DiskTotals totals;
  totals.reads = reads_;
  totals.writes = writes_;
  totals.skipped = skipped_;
  totals.broken = broken_;
  totals.errors = errors_;
  Mutex lock(mutex_);
  totals.objects = index_.objects();
  totals.bytes = index_.bytes();
  totals.evicted = index_.evicted();
  totals.limit = limits_.bytes;
  return totals;
}

}  // namespace weir::cache

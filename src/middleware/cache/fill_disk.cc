// What a fill does for the disk.
#include "middleware/cache/fill.h"

namespace weir::cache {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

}  // namespace

// Too large for memory: those who ask until it is there go by themselves.
void Fill::spool(const Headers& request) {
  Object& object = *order_.object;
  if (std::shared_ptr<Disk> disk = order_.store->disk()) {
    DiskRecord record = disk_record(order_.url, object, *length_, loop_);
    DiskEntryRef entry = disk->reserve(record, encode(record).size(), request, loop_.now());
    if (entry) spool_ = std::make_unique<Spool>(loop_, disk, std::move(entry), std::move(record));
  }
  overflow();
}

// A file that would be fresh for longer than the origin says now must go; one that is stale does no
// harm, and need not be written again for what is fresh for moments only.
void Fill::carry_file(ObjectFacts& facts) {
  constexpr std::int64_t kWorthwhile = 60;  // seconds
  const std::shared_ptr<DiskEntry>& file = order_.stale->disk;
  if (!file || facts.verdict.lifetime >= kWorthwhile) return;
  std::int64_t fresh_until =
      loop_.wall_now() / kNanoseconds + facts.verdict.lifetime - facts.verdict.initial_age;
  if (file->facts.fresh_until() <= fresh_until) order_.object->disk = file;
}

// Behind everything that clients wait for.
Task<void> Fill::keep_on_disk() {
  on_disk_ = true;
  if (spool_) co_await spool_->close();
  const ObjectRef& object = order_.object;
  bool carried = order_.stale && order_.stale->disk == object->disk;
  std::shared_ptr<Disk> disk;
  if (object->disk && !carried) disk = object->disk->owner.lock();
  if (disk) {
    DiskRecord record = disk_record(order_.url, *object, object->size(), loop_);
    co_await write_behind(loop_, disk, object, std::move(record));
  }
  disk = order_.store->disk();
  if (disk) co_await sweep(loop_, std::move(disk), {});
}

}  // namespace weir::cache

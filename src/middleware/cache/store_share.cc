// How large a store is and which disk it has: as those say who use it.
#include <algorithm>

#include "middleware/cache/store.h"

namespace weir::cache {

Store::Share::Share(std::shared_ptr<Store> store, std::uint64_t bytes, DiskPlan disk)
    : store_(std::move(store)) {
  std::lock_guard lock(store_->mutex_);
  if (disk.disk) disk_ = store_->disks_.insert(store_->disks_.end(), std::move(disk));
  place_ = store_->sizes_.insert(bytes);
  store_->budget_->set_limit(*store_->sizes_.rbegin());
}

Store::Share::~Share() {
  std::uint64_t left = 0;
  std::shared_ptr<Disk> unused;  // ends without the lock
  {
    std::lock_guard lock(store_->mutex_);
    if (disk_) store_->disks_.erase(*disk_);
    if (std::ranges::find(store_->disks_, store_->disk_, &DiskPlan::disk) == store_->disks_.end()) {
      store_->has_disk_ = false;
      unused = std::exchange(store_->disk_, nullptr);
    }
    store_->sizes_.erase(place_);
    if (!store_->sizes_.empty()) left = *store_->sizes_.rbegin();
    store_->budget_->set_limit(left);
  }
  while (left > 0 && store_->budget_->over() && store_->evict_one()) {
  }
}

void Store::open_disk() {
  DiskPlan plan;
  std::shared_ptr<Disk> unused;
  {
    std::lock_guard lock(mutex_);
    if (!disks_.empty()) plan = disks_.back();
    unused = std::exchange(disk_, plan.disk);
    has_disk_ = plan.disk != nullptr;
  }
  if (plan.disk) plan.disk->open(plan.limits);
}

std::shared_ptr<Disk> Store::disk() const {
  if (!has_disk()) return nullptr;
  std::lock_guard lock(mutex_);
  return disk_;
}

}  // namespace weir::cache

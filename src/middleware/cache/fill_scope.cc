// The fills of a worker, and how they end with it.
#include <vector>

#include "middleware/cache/fill.h"

namespace weir::cache {
namespace {

// How soon it is noticed, at the end of a worker, that nobody reads a fill any more.
constexpr Duration kEndInterval = std::chrono::milliseconds(50);

}  // namespace

const SlotKey& FillScope::key() {
  static const SlotKey key;
  return key;
}

FillScope& FillScope::of(Loop& loop) {
  return loop.slots().get<FillScope>(key(), [] { return std::make_unique<FillScope>(); });
}

Task<void> FillScope::finish(Loop& loop) {
  auto* self = loop.slots().find<FillScope>(key());
  if (self == nullptr) co_return;
  while (self->scope_.running() > 0) {
    // Stopping may end a fill at once, and take it out of the list.
    std::vector<Fill*> unwanted;
    for (Link* link = self->fills_.next(); link != &self->fills_; link = link->next()) {
      auto* fill = static_cast<Fill*>(link);
      if (!fill->wanted()) unwanted.push_back(fill);
    }
    for (Fill* fill : unwanted) {
      fill->stop(Error(ErrorCode::shutting_down, Origin::weir, "the worker ends"));
    }
    (void)co_await loop.sleep_for(kEndInterval);
  }
  co_await self->scope_.join();
}

void FillScope::begin(Fill& fill, Task<void> task) {
  fills_.append(fill);
  scope_.spawn(std::move(task));
}

}  // namespace weir::cache

#include "core/slots.h"

#include <algorithm>
#include <mutex>

namespace weir {
namespace {

// Numbers are handed out by the configuration side only, never on the path of a request.
struct Numbers {
  std::mutex mutex;
  std::vector<std::uint32_t> free;
  std::uint32_t next = 0;
  std::uint32_t generation = 0;
};

Numbers& numbers() {
  static Numbers instance;
  return instance;
}

}  // namespace

SlotKey::SlotKey() {
  Numbers& all = numbers();
  std::lock_guard lock(all.mutex);
  generation_ = ++all.generation;
  if (all.free.empty()) {
    number_ = all.next++;
  } else {
    number_ = all.free.back();
    all.free.pop_back();
  }
}

SlotKey::~SlotKey() {
  Numbers& all = numbers();
  std::lock_guard lock(all.mutex);
  all.free.push_back(number_);
}

void* Slots::put(const SlotKey& key, void* object, void (*destroy)(void*)) {
  if (key.number() >= slots_.size()) slots_.resize(key.number() + 1);
  Slot& slot = slots_[key.number()];
  void* stale = slot.object;  // of an earlier owner of the same number
  auto destroy_stale = slot.destroy;
  slot = Slot{object, destroy, key.generation(), ++created_};
  if (stale != nullptr) destroy_stale(stale);
  return object;
}

void Slots::erase(const SlotKey& key) {
  if (key.number() >= slots_.size()) return;
  Slot& slot = slots_[key.number()];
  if (slot.object == nullptr || slot.generation != key.generation()) return;
  void* object = std::exchange(slot.object, nullptr);
  slot.destroy(object);
}

void Slots::clear() {
  while (true) {
    auto last = std::max_element(slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) {
      return (a.object != nullptr ? a.order : 0) < (b.object != nullptr ? b.order : 0);
    });
    if (last == slots_.end() || last->object == nullptr) return;
    void* object = std::exchange(last->object, nullptr);
    last->destroy(object);
  }
}

}  // namespace weir

#include "core/keyed_numbers.h"

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t kLeastSlots = 8;
constexpr int kSampled = 8;

}  // namespace

KeyedNumbers::Slot* KeyedNumbers::Part::find(std::uint64_t key) {
  if (used == 0) return nullptr;
  std::size_t mask = slots.size() - 1;
  for (std::size_t i = key & mask;; i = (i + 1) & mask) {
    if (slots[i].key == key) return &slots[i];
    if (slots[i].key == 0) return nullptr;
  }
}

// What was pushed behind the freed slot moves up, so that no probe ends too early.
void KeyedNumbers::Part::erase(Slot* slot) {
  std::size_t mask = slots.size() - 1;
  auto hole = static_cast<std::size_t>(slot - slots.data());
  for (std::size_t i = (hole + 1) & mask; slots[i].key != 0; i = (i + 1) & mask) {
    std::size_t home = slots[i].key & mask;
    if (((i - home) & mask) < ((i - hole) & mask)) continue;
    slots[hole] = slots[i];
    hole = i;
  }
  slots[hole] = {};
  --used;
}

void KeyedNumbers::Part::insert(Slot slot, Bounds bounds) {
  std::size_t most = std::max<std::size_t>(1, bounds.max_keys / kParts);
  // Twice, so that a bound that was lowered is met little by little.
  for (int i = 0; i < 2 && used >= most; ++i) evict(slot.key, bounds.floor);
  if ((used + 1) * 5 > slots.size() * 4) rebuild(bounds.floor, 1);
  place(slot);
  ++used;
}

void KeyedNumbers::Part::evict(std::uint64_t near, std::int64_t floor) {
  std::size_t mask = slots.size() - 1;
  Slot* least = nullptr;
  int seen = 0;
  for (std::size_t i = 0; i < slots.size() && seen < kSampled; ++i) {
    Slot& slot = slots[(near + i) & mask];
    if (slot.key == 0) continue;
    ++seen;
    if (least == nullptr || slot.number < least->number) least = &slot;
  }
  if (least == nullptr) return;
  if (least->number > floor) ++evicted;
  erase(least);
}

// Half full at most with `more` besides those that stay.
void KeyedNumbers::Part::rebuild(std::int64_t floor, std::size_t more) {
  std::vector<Slot> before;
  before.swap(slots);
  auto stays = [&](const Slot& slot) { return slot.key != 0 && slot.number > floor; };
  used = static_cast<std::size_t>(std::ranges::count_if(before, stays));
  if (used + more == 0) return;
  std::size_t size = kLeastSlots;
  while (size < (used + more) * 2) size *= 2;
  slots.resize(size);
  for (const Slot& slot : before) {
    if (stays(slot)) place(slot);
  }
}

void KeyedNumbers::Part::place(Slot slot) {
  std::size_t mask = slots.size() - 1;
  std::size_t i = slot.key & mask;
  while (slots[i].key != 0) i = (i + 1) & mask;
  slots[i] = slot;
}

std::size_t KeyedNumbers::Part::above(std::int64_t floor) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      slots, [&](const Slot& slot) { return slot.key != 0 && slot.number > floor; }));
}

void KeyedNumbers::sweep(std::int64_t floor) {
  for (Part& part : parts_) {
    std::lock_guard lock(part.mutex);
    if (!part.slots.empty() && part.above(floor) * 2 <= part.used) part.rebuild(floor, 0);
  }
}

std::size_t KeyedNumbers::keys(std::int64_t floor) const {
  std::size_t sum = 0;
  for (const Part& part : parts_) {
    std::lock_guard lock(part.mutex);
    sum += part.above(floor);
  }
  return sum;
}

std::uint64_t KeyedNumbers::evicted() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) {
    std::lock_guard lock(part.mutex);
    sum += part.evicted;
  }
  return sum;
}

std::size_t KeyedNumbers::bytes() const {
  std::size_t sum = sizeof *this;
  for (const Part& part : parts_) {
    std::lock_guard lock(part.mutex);
    sum += part.slots.capacity() * sizeof(Slot);
  }
  return sum;
}

}  // namespace weir

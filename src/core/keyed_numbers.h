// KeyedNumbers: one number for each key, for all workers, in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace weir {

/// What limits remember: when a client's budget is full again, how many of its requests are under
/// way. A number that is not above `floor` is worth nothing and need not be remembered: where
/// floors are times, keys expire by themselves.
///
/// Sixteen parts by key, each under a mutex that is held for one look-up, or now and then for a
/// walk through the part. 16 bytes for each slot, 20 to 64 bytes for each key.
///
/// When a part has `max_keys / 16`, a new key takes the place of the one of eight neighbours whose
/// number is least: for budgets the one that has used least, whose loss costs least.
class KeyedNumbers {
 public:
  static constexpr std::size_t kParts = 16;

  struct Bounds {
    std::int64_t floor = 0;
    std::size_t max_keys = SIZE_MAX;
  };

  KeyedNumbers() = default;
  KeyedNumbers(const KeyedNumbers&) = delete;
  KeyedNumbers& operator=(const KeyedNumbers&) = delete;

  /// Gives what `f(number)` gives; `f` may change the number, which is 0 for a key that is not
  /// known. No two run at once for the same key. Any thread. Keys are well mixed (see core/hash.h).
  template <class F>
  auto with(std::uint64_t key, Bounds bounds, F f) {
    if (key == 0) key = 1;  // 0 marks slots that are free
    Part& part = parts_[key >> 60];
    std::lock_guard lock(part.mutex);
    if (Slot* slot = part.find(key)) {
      auto result = f(slot->number);
      if (slot->number <= bounds.floor) part.erase(slot);
      return result;
    }
    std::int64_t number = 0;
    auto result = f(number);
    if (number > bounds.floor) part.insert({key, number}, bounds);
    return result;
  }

  /// Gives back the memory of numbers that are not above `floor`. Any thread.
  void sweep(std::int64_t floor);

  /// Those above `floor`.
  std::size_t keys(std::int64_t floor) const;
  /// Keys that were forgotten although they were above the floor.
  std::uint64_t evicted() const;
  std::size_t bytes() const;

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::int64_t number = 0;
  };

  /// Open addressing with linear probing; a power of two slots, at most four fifths of them used.
  struct alignas(64) Part {
    Slot* find(std::uint64_t key);
    void erase(Slot* slot);
    void insert(Slot slot, Bounds bounds);
    void evict(std::uint64_t near, std::int64_t floor);
    void rebuild(std::int64_t floor, std::size_t more);
    void place(Slot slot);
    std::size_t above(std::int64_t floor) const;

    mutable std::mutex mutex;  // of everything below
    std::vector<Slot> slots;
    std::size_t used = 0;
    std::uint64_t evicted = 0;
  };

  std::array<Part, kParts> parts_;
};

}  // namespace weir

// A worker's own state of each part of the program, created on first use.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace weir {

/// Names one slot of every worker. Made when an object that keeps per-worker state is built
/// (a pool, a counter set); its number is given back when that object goes.
class SlotKey {
 public:
  SlotKey();
  ~SlotKey();
  SlotKey(const SlotKey&) = delete;
  SlotKey& operator=(const SlotKey&) = delete;
  std::uint32_t number() const { return number_; }
  std::uint32_t generation() const { return generation_; }

 private:
  std::uint32_t number_;
  std::uint32_t generation_;
};

/// One per worker; used only by that worker.
class Slots {
 public:
  Slots() = default;
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;
  ~Slots() { clear(); }

  /// The worker's object for `key`; `make()` creates it as a std::unique_ptr<T> if there is none.
  template <class T, class Make>
  T& get(const SlotKey& key, Make&& make) {
    if (key.number() < slots_.size()) {
      Slot& slot = slots_[key.number()];
      if (slot.object != nullptr && slot.generation == key.generation()) {
        return *static_cast<T*>(slot.object);
      }
    }
    return *static_cast<T*>(
        put(key, make().release(), [](void* object) { delete static_cast<T*>(object); }));
  }
  template <class T>
  T* find(const SlotKey& key) const {
    if (key.number() >= slots_.size()) return nullptr;
    const Slot& slot = slots_[key.number()];
    return slot.generation == key.generation() ? static_cast<T*>(slot.object) : nullptr;
  }
  void erase(const SlotKey& key);
  /// Destroys every object, last created first.
  void clear();

 private:
  struct Slot {
    void* object = nullptr;
    void (*destroy)(void*) = nullptr;
    std::uint32_t generation = 0;
    std::uint64_t order = 0;
  };
  void* put(const SlotKey& key, void* object, void (*destroy)(void*));

  std::vector<Slot> slots_;
  std::uint64_t created_ = 0;
};

}  // namespace weir

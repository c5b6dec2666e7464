// EvictionQueue: which object goes when room is needed (S3-FIFO).
#pragma once

#include <cstdint>
#include <vector>

#include "core/list.h"

namespace weir::cache {

class Object;
struct Resource;

/// Where an object stands in the queue; part of the object.
struct Place : Link {
  Object* object = nullptr;
  Resource* resource = nullptr;
  std::uint64_t hash = 0;    // of its key
  std::uint64_t weight = 0;  // bytes
  std::uint8_t uses = 0;     // since it was last looked at
  bool main = false;

  static constexpr std::uint8_t kMostUses = 3;
  void use() {
    if (uses < kMostUses) ++uses;
  }
};

/// What is new stands in a small queue, a tenth of the bytes, and goes to the main one only if it
/// is used again before its turn: whoever asks for a thousand things once pushes out nothing that
/// others use. What goes is remembered by its hash; if it comes again soon, it had been worth
/// keeping. Not thread safe.
class EvictionQueue {
 public:
  void insert(Place& place);
  void remove(Place& place);

  /// The next to go, taken out; null if there is none among the first few: `busy(place)` is true
  /// for those whose going would free nothing.
  template <class Busy>
  Place* pick(Busy busy) {
    for (int step = 0; step < kSteps; ++step) {
      bool from_small =
          small_.linked() && (!main_.linked() || small_bytes_ > bytes() / kSmallShare);
      Link& list = from_small ? small_ : main_;
      if (!list.linked()) return nullptr;
      auto& place = *static_cast<Place*>(list.next());
      bool kept = busy(place) || place.uses > 0;
      remove(place);
      if (!kept) {
        if (from_small) remember(place.hash);
        return &place;
      }
      if (from_small) {
        place.uses = 0;
      } else if (place.uses > 0) {
        --place.uses;
      }
      append(place, true);
    }
    return nullptr;
  }

  std::uint64_t bytes() const { return small_bytes_ + main_bytes_; }

 private:
  static constexpr int kSteps = 64;
  static constexpr std::uint64_t kSmallShare = 10;
  static constexpr std::size_t kRemembered = 4096;

  void append(Place& place, bool main);
  void remember(std::uint64_t hash);
  bool forget(std::uint64_t hash);

  Link small_;
  Link main_;
  std::uint64_t small_bytes_ = 0;
  std::uint64_t main_bytes_ = 0;
  std::vector<std::uint64_t> gone_;  // by the low bits; made when the first one goes
};

}  // namespace weir::cache

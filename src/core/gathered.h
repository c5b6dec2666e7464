// Gathered: one sum of what several workers count, each in a place of its own.
#pragma once

#include <mutex>

#include "core/list.h"

namespace weir {

/// `T` is a struct of Counters with `void add(const T&)`. A worker makes a Part and counts in it
/// without a lock; the sum may be asked for on any thread. What a part has counted stays in the
/// sum when the part goes.
template <class T>
class Gathered {
 public:
  class Part : private Link {
   public:
    /// `whole` outlives the part.
    explicit Part(Gathered& whole) : whole_(whole) {
      std::lock_guard lock(whole_.mutex_);
      whole_.parts_.append(*this);
    }
    ~Part() {
      std::lock_guard lock(whole_.mutex_);
      whole_.gone_.add(counters_);
      unlink();
    }
    T& operator*() { return counters_; }
    T* operator->() { return &counters_; }

   private:
    friend class Gathered;
    Gathered& whole_;
    T counters_;
  };

  Gathered() = default;
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;

  void add_to(T& total) const {
    std::lock_guard lock(mutex_);
    total.add(gone_);
    for (Link* link = parts_.next(); link != &parts_; link = link->next()) {
      total.add(static_cast<Part*>(link)->counters_);
    }
  }

 private:
  mutable std::mutex mutex_;
  Link parts_;
  T gone_;
};

}  // namespace weir

// NamedStates: state that outlives configurations, found by its kind and its name.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// Knows an object as long as somebody holds it: the configuration in force, or an older one that
/// is still in use. So what a reload keeps by name keeps its state, and what it drops is freed.
/// Used from the thread that builds configurations only.
class NamedStates {
 public:
  /// The living T of that name, or what `make()`, a std::shared_ptr<T>, gives.
  template <class T, class Make>
  std::shared_ptr<T> get(std::string_view name, Make&& make) {
    std::weak_ptr<void>& known = states_[{&kKind<T>, std::string(name)}];
    if (auto living = std::static_pointer_cast<T>(known.lock())) return living;
    std::shared_ptr<T> made = make();
    known = made;
    return made;
  }

  /// Every living T, by name. Forgets the names of those that are gone.
  template <class T>
  std::vector<std::pair<std::string, std::shared_ptr<T>>> all() const {
    std::vector<std::pair<std::string, std::shared_ptr<T>>> living;
    std::erase_if(states_, [&](const auto& entry) {
      std::shared_ptr<void> state = entry.second.lock();
      if (state && entry.first.first == &kKind<T>) {
        living.emplace_back(entry.first.second, std::static_pointer_cast<T>(state));
      }
      return !state;
    });
    return living;
  }

 private:
  template <class T>
  static constexpr char kKind = 0;

  mutable std::map<std::pair<const void*, std::string>, std::weak_ptr<void>> states_;
};

}  // namespace weir

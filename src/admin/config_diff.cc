#include "admin/config_diff.h"

#include <algorithm>

#include "config/places.h"

namespace weir {
namespace {

class Differences {
 public:
  void compare(const Json* before, const Json* after, const std::string& path);
  Json take() { return std::move(found_); }

 private:
  void compare_objects(const Json& before, const Json& after, const std::string& path);
  void compare_lists(const Json& before, const Json& after, const std::string& path);

  Json found_ = Json::array();
};

void Differences::compare(const Json* before, const Json* after, const std::string& path) {
  if (before != nullptr && after != nullptr) {
    if (*before == *after) return;
    if (before->is_object() && after->is_object()) return compare_objects(*before, *after, path);
    if (before->is_array() && after->is_array()) return compare_lists(*before, *after, path);
  }
  Json difference = {{"path", path.empty() ? "/" : path}};
  if (before != nullptr) difference["old"] = *before;
  if (after != nullptr) difference["new"] = *after;
  found_.push_back(std::move(difference));
}

void Differences::compare_objects(const Json& before, const Json& after, const std::string& path) {
  for (const auto& [key, value] : before.items()) {
    auto now = after.find(key);
    compare(&value, now == after.end() ? nullptr : &*now, path + "/" + config::pointer_step(key));
  }
  for (const auto& [key, value] : after.items()) {
    if (before.contains(key)) continue;
    compare(nullptr, &value, path + "/" + config::pointer_step(key));
  }
}

void Differences::compare_lists(const Json& before, const Json& after, const std::string& path) {
  std::size_t shorter = std::min(before.size(), after.size());
  std::size_t first = 0;
  while (first < shorter && before[first] == after[first]) ++first;
  std::size_t last = 0;  // how many are the same at the end
  while (last < shorter - first &&
         before[before.size() - 1 - last] == after[after.size() - 1 - last]) {
    ++last;
  }
  std::size_t longer = std::max(before.size(), after.size()) - last;
  for (std::size_t i = first; i < longer; ++i) {
    compare(i < before.size() - last ? &before[i] : nullptr,
            i < after.size() - last ? &after[i] : nullptr, path + "/" + std::to_string(i));
  }
}

}  // namespace

Json config_diff(const Json& before, const Json& after) {
  Differences differences;
  differences.compare(&before, &after, {});
  return differences.take();
}

}  // namespace weir

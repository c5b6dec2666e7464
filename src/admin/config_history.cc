#include "admin/config_history.h"

#include <algorithm>

namespace weir {

std::string_view name(VersionOrigin origin) {
  switch (origin) {
    case VersionOrigin::file: return "file";
    case VersionOrigin::api: return "api";
    case VersionOrigin::rollback: return "rollback";
  }
  return {};
}

std::vector<std::uint64_t> ConfigHistory::add(VersionPointer version) {
  bytes_ += version->config.size();
  versions_.push_back(std::move(version));
  std::vector<std::uint64_t> gone;
  while (versions_.size() > 1 && (versions_.size() > keep_ || bytes_ > kMostBytes)) {
    bytes_ -= versions_.front()->config.size();
    gone.push_back(versions_.front()->number);
    versions_.pop_front();
  }
  return gone;
}

VersionPointer ConfigHistory::find(std::uint64_t number) const {
  auto found = std::ranges::lower_bound(versions_, number, {},
                                        [](const auto& each) { return each->number; });
  return found != versions_.end() && (*found)->number == number ? *found : nullptr;
}

}  // namespace weir

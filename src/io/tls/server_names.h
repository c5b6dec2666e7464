// A set of server names with wildcards.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <span>
#include <string>
#include <string_view>

namespace weir {

/// Names in lower case; `*.parent` stands for every name below `parent`, however deep, as in the
/// hosts of routes. The cost of a lookup depends on the labels of the name alone.
class ServerNames {
 public:
  explicit ServerNames(std::span<const std::string> names);
  bool contain(std::string_view name) const;

 private:
  absl::flat_hash_set<std::string> exact_;
  absl::flat_hash_set<std::string> parents_;
};

}  // namespace weir

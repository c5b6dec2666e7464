// Aliases: names of endpoints that say nothing of them, for what clients are given to bring back.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/endpoint.h"

namespace weir {

/// A MAC over an endpoint's address: nobody without the key can make one or learn from one where
/// the endpoint is. The same in every process that has the key.
struct Alias {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Alias&) const = default;
};

/// HMAC-SHA256, the first 128 bits. `cluster` keeps the endpoints of clusters apart.
Alias alias_of(std::string_view key, std::string_view cluster, std::string_view endpoint);
/// A key that nobody knows, from the system's randomness.
std::string random_alias_key();

/// The aliases of a set's endpoints. Immutable.
class AliasTable {
 public:
  /// The first key makes aliases, all of them are understood. A microsecond or two for each
  /// endpoint and key.
  AliasTable(std::span<const std::shared_ptr<Endpoint>> endpoints, std::string_view cluster,
             std::span<const std::string> keys);

  const Alias& operator[](std::uint32_t index) const { return own_[index]; }
  std::optional<std::uint32_t> find(const Alias& alias) const;

 private:
  std::vector<Alias> own_;
  std::vector<std::pair<Alias, std::uint32_t>> sorted_;
};

}  // namespace weir

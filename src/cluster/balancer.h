// Balancer: picks one endpoint of a set. One algorithm per file in balance/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "cluster/config.h"
#include "cluster/endpoint.h"
#include "core/random.h"

namespace weir {

/// What a pick goes by; values only, never HTTP.
struct PickFacts {
  Random& random;
  std::uint64_t& cursor;                    // the worker's own place in the rotation
  std::span<const std::uint32_t> excluded;  // indices that were tried already
};

/// Stateless and shared by all workers.
class Balancer {
 public:
  virtual ~Balancer() = default;
  /// An index into `set.endpoints`; nothing if all are excluded.
  virtual std::optional<std::uint32_t> pick(const EndpointSet& set, PickFacts facts) const = 0;
};

inline bool is_excluded(const PickFacts& facts, std::uint32_t index) {
  for (std::uint32_t each : facts.excluded) {
    if (each == index) return true;
  }
  return false;
}

const Balancer& balancer_for(Balance algorithm);

}  // namespace weir

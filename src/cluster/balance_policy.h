// How the endpoints of a cluster share its requests.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "config/schema.h"
#include "io/timer.h"

namespace weir {

enum class Balance : std::uint8_t {
  round_robin,
  least_requests,
  random,
  power_of_two,
  peak_ewma,
  ring,
  maglev
};

constexpr auto enum_names(Balance) {
  return std::array{
      config::Name{"round_robin", Balance::round_robin, "One after the other, by weight."},
      config::Name{"least_requests", Balance::least_requests,
                   "The one with the fewest requests under way for its weight."},
      config::Name{"random", Balance::random, "Any, by weight."},
      config::Name{"power_of_two", Balance::power_of_two,
                   "Of two random ones, the one with fewer requests under way for its weight."},
      config::Name{"peak_ewma", Balance::peak_ewma,
                   "Of two random ones, the one that promises the sooner answer: by its latest "
                   "latencies, its requests under way and its weight."},
      config::Name{"ring", Balance::ring,
                   "The same one for the same `key`, by a ring of hashes: when an endpoint comes "
                   "or goes, no key moves that need not."},
      config::Name{"maglev", Balance::maglev,
                   "The same one for the same `key`, by a Maglev table: spread more evenly than "
                   "`ring`; a few keys more move when endpoints change."}};
}

constexpr bool goes_by_key(Balance algorithm) {
  return algorithm == Balance::ring || algorithm == Balance::maglev;
}

struct BalancePolicy {
  Balance algorithm = Balance::round_robin;
  double max_load = 0;             // of the average load, for ring and maglev; 0: unlimited
  Duration slow_start{0};          // zero: none
  double panic_below = 0;          // the available part of a group, 0 to 1
  std::string zone = {};           // this process's own; empty: zones do not matter
  std::uint32_t max_requests = 0;  // of one endpoint at a time; 0: unlimited
  bool load_reports = false;       // weights follow what origins say of their load
  // Secrets by which endpoints have aliases; with none of them the cluster has one of its own.
  bool aliases = false;
  std::vector<std::string> alias_keys = {};

  bool operator==(const BalancePolicy&) const = default;
};

}  // namespace weir

// What a route asks of a request beyond host and path.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "expression/expression.h"
#include "http/exchange.h"
#include "server/config.h"

namespace weir {

/// All that are given must hold. Of several values of a field one must be equal.
class Conditions {
 public:
  Conditions() = default;
  Conditions(const MatchConfig& match, config::Diagnostics& diagnostics);

  bool hold(Exchange& exchange) const;
  std::uint32_t count() const;

 private:
  std::vector<std::string> methods_;
  std::vector<std::pair<std::string, std::string>> headers_;  // value "*": any
  std::vector<std::pair<std::string, std::string>> query_;
  std::optional<expression::Expression> when_;
};

}  // namespace weir

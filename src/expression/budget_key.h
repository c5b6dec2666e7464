// BudgetKey: whose budget an exchange draws on: some of its values, taken together.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "expression/error.h"
#include "expression/program.h"

namespace weir::expression {

/// All of its values together: `client_ip` and `route` is one budget for each client on each route;
/// without any value there is one for everybody. Addresses of IPv6 count by their /64, for that is
/// what one client has. A value that an exchange lacks is a value like any other: all exchanges
/// that lack it share a budget. Immutable; safe to use from several threads.
class BudgetKey {
 public:
  /// Adds a value: a fact, a field, lower(...) or default(...). Errors as Expression::compile.
  std::expected<void, CompileError> add(std::string_view source, Stage stage);

  /// With a seed that nobody knows, no client can choose whose budget it draws on.
  std::uint64_t hash(const Facts& facts, std::uint64_t seed) const;

  /// SHA-256 of `scope` and the values, its first half in hexadecimal: the same in every process,
  /// and tells nothing of values that may be secrets.
  std::array<char, 32> digest(const Facts& facts, std::string_view scope) const;

 private:
  template <class Size>
  void put(const Facts& facts, Sink& sink, Size size) const;
  template <class Use>
  auto with_text(const Facts& facts, Use use) const;

  std::vector<AtomRange> values_;
  Program program_;
};

}  // namespace weir::expression

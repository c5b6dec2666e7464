// Key: values of an exchange as one number, by which it is told from others and put together.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "expression/error.h"
#include "expression/program.h"

namespace weir::expression {

/// The first of several values that an exchange has: `cookie.session`, else `client_ip`.
/// Immutable; safe to use from several threads.
class Key {
 public:
  /// Adds a value: a fact, a field, lower(...) or default(...). Errors as Expression::compile.
  std::expected<void, CompileError> add(std::string_view source, Stage stage);

  /// The same in every process. Nothing if the exchange has none of the values; empty ones do not
  /// count.
  std::optional<std::uint64_t> hash(const Facts& facts) const;

 private:
  std::vector<AtomRange> values_;
  Program program_;
};

}  // namespace weir::expression

// Where a value stands in a configuration file, so that later checks can point at it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace weir::config {

// Lines and columns count from 1; columns count code points. Line 0 means "nowhere in particular".
struct Position {
  std::uint32_t file = 0;  // index into the sources of the Diagnostics that read the file
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t length = 0;  // code points on that line; 0 when the value runs over several lines

  bool known() const { return line != 0; }
  friend bool operator==(const Position&, const Position&) = default;
};

// A value that remembers where it was written: use it for whatever is checked after parsing
// (names of upstreams, patterns, templates, addresses). Defaults have no position.
template <class T>
struct Located {
  T value{};
  Position position{};

  Located() = default;
  Located(T v) : value(std::move(v)) {}  // NOLINT: a default reads like the plain value
  Located(T v, Position p) : value(std::move(v)), position(p) {}

  const T& operator*() const { return value; }
  const T* operator->() const { return &value; }
};

}  // namespace weir::config

// Lookup tables that classify tokens with two byte shuffles.
#pragma once

#include "http/syntax.h"

namespace weir::h1 {

/// A character is in the class if by_low[its low four bits] and by_high[its high four bits]
/// share a bit: each of the eight rows of ASCII has a bit of its own.
struct NibbleTables {
  alignas(16) char by_low[16] = {};
  alignas(16) char by_high[16] = {};
};

consteval NibbleTables make_nibble_tables(CharClass which) {
  NibbleTables tables;
  for (int row = 0; row < 8; ++row) {
    tables.by_high[row] = static_cast<char>(1 << row);
    for (int column = 0; column < 16; ++column) {
      if (has_class(static_cast<char>(row * 16 + column), which)) {
        tables.by_low[column] = static_cast<char>(tables.by_low[column] | 1 << row);
      }
    }
  }
  return tables;
}

inline constexpr NibbleTables kTokenNibbles = make_nibble_tables(kTokenChar);

}  // namespace weir::h1

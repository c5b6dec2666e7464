// Says which value of a document stands at a position, as a JSON Pointer (RFC 6901).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/yaml.h"

namespace weir::config {

class Places {
 public:
  explicit Places(const Tree& tree);

  // Of the value that begins there, or the last one that begins before. Empty for the whole
  // document, and for a position that is not known.
  std::string path(const Position& position) const;

 private:
  struct Place {
    std::uint32_t line;
    std::uint32_t column;
    std::uint32_t value;  // index into values_
  };
  struct Value {
    std::uint32_t parent;
    std::string name;  // of a list's entry its number
  };

  void add(Node node, std::uint32_t value);
  void mark(Node node, std::uint32_t value);

  std::vector<Value> values_;
  std::vector<Place> places_;  // in the order of the text
};

// One step of such a path: `~` and `/` are written `~0` and `~1`.
std::string pointer_step(std::string_view name);

}  // namespace weir::config

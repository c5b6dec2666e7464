// Reads a document into a config struct by its table. Every problem is collected; what is refused
// keeps its default, so that one mistake does not hide the others.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostics.h"
#include "config/document.h"
#include "config/schema.h"

namespace weir::config {

// Into must point at a default-constructed object of the type.
void parse(const Document& document, const Type& type, void* into, Diagnostics& diagnostics);

// Use the result only if diagnostics.ok().
template <class T>
T parse(const Document& document, Diagnostics& diagnostics) {
  T result;
  parse(document, type_of<T>(), &result, diagnostics);
  return result;
}

// What `check` functions of config structs get: where the keys of the object stand.
class Found {
 public:
  Found(Position object, Diagnostics& diagnostics) : object_(object), diagnostics_(diagnostics) {}

  void add(std::string_view key, Position value) { keys_.emplace_back(key, value); }
  bool given(std::string_view key) const;
  // Of the key's value; of the object when the key is not given.
  Position at(std::string_view key) const;

  void error(std::string_view key, Code code, std::string message, std::string help = {}) const {
    diagnostics_.error(at(key), code, std::move(message), std::move(help));
  }
  void warning(std::string_view key, Code code, std::string message, std::string help = {}) const {
    diagnostics_.warning(at(key), code, std::move(message), std::move(help));
  }

 private:
  Position object_;
  Diagnostics& diagnostics_;
  std::vector<std::pair<std::string_view, Position>> keys_;
};

}  // namespace weir::config

// Writes a config struct out again: the effective configuration, defaults filled in.
#pragma once

#include <string>

#include "config/schema.h"

namespace weir::config {

enum class Secrets : std::uint8_t {
  redacted,  // "<redacted>" in place of each secret that is set
  shown,
};

// Reads back as the same configuration, except for redacted secrets, and dumps then as the same
// text. Keys stand in the order of the tables.
std::string dump_yaml(const Type& type, const void* value, Secrets secrets = Secrets::redacted);
std::string dump_json(const Type& type, const void* value, Secrets secrets = Secrets::redacted);

template <class T>
std::string dump_yaml(const T& value, Secrets secrets = Secrets::redacted) {
  return dump_yaml(type_of<T>(), &value, secrets);
}
template <class T>
std::string dump_json(const T& value, Secrets secrets = Secrets::redacted) {
  return dump_json(type_of<T>(), &value, secrets);
}

// Two values of one type say the same exactly if their dumps with secrets are equal: a reload
// compares objects by this.
template <class T>
bool same(const T& a, const T& b) {
  return dump_json(a, Secrets::shown) == dump_json(b, Secrets::shown);
}

}  // namespace weir::config

// Writes a config struct out as somebody would who leaves out what is the default anyway: what
// versions of a configuration are kept as.
#pragma once

#include <string>

#include "config/dump.h"

namespace weir::config {

// JSON on one line, keys in the order of the tables. Reads back as the same configuration, except
// for redacted secrets.
std::string brief_json(const Type& type, const void* value, Secrets secrets);

template <class T>
std::string brief_json(const T& value, Secrets secrets) {
  return brief_json(type_of<T>(), &value, secrets);
}

}  // namespace weir::config

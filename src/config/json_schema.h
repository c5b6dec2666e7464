// A JSON Schema (draft 2020-12) of a config struct, for editors.
#pragma once

#include <string>

#include "config/schema.h"

namespace weir::config {

std::string json_schema(const Type& type);

template <class T>
std::string json_schema() {
  return json_schema(type_of<T>());
}

}  // namespace weir::config

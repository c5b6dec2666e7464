// The reference of the configuration, as Markdown.
#pragma once

#include <string>

#include "config/schema.h"

namespace weir::config {

// A section for each object that the type leads to, in the order in which they are first met; each
// with a table of its keys: name, type, default, meaning.
std::string reference_markdown(const Type& type);

template <class T>
std::string reference_markdown() {
  return reference_markdown(type_of<T>());
}

// One section for each diagnostic code: title, cause, remedy.
std::string codes_markdown();

}  // namespace weir::config

// What a configuration declares by name, as those who use it find it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/suggest.h"
#include "upstream/build_parts.h"

namespace weir {

/// Null, and an error at the name, if nothing of that name stands below `section`.
template <class T>
std::shared_ptr<T> declared(const config::Located<std::string>& name, std::string_view noun,
                            std::string_view section, const BuildParts& parts) {
  auto known = parts.declared.all<T>();
  std::vector<std::string_view> names;
  for (const auto& [other, found] : known) {
    if (other == *name) return found;
    names.push_back(other);
  }
  parts.diagnostics.error(name.position, config::Code::bad_word,
                          fmt::format("no {} \"{}\" stands below `{}`", noun, *name, section),
                          config::suggestion(*name, names));
  return nullptr;
}

}  // namespace weir

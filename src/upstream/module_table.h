// The entries of a collection: what each is called and configured by, and how it is built.
#pragma once

#include <array>
#include <memory>
#include <type_traits>

#include "config/schema.h"
#include "upstream/build_parts.h"

namespace weir {

/// One kind of Base (Middleware, Handler).
template <class Base>
struct ModuleEntry {
  config::ModuleType type;
  std::unique_ptr<Base> (*make)(const config::Module& module, const BuildParts& parts);
};

/// Built from its options and as much more as its constructor asks for: nothing, the diagnostics,
/// or all parts.
template <class Base, class Made, class Options>
std::unique_ptr<Base> make_module(const config::Module& module, const BuildParts& parts) {
  const auto& options = module.as<Options>();
  if constexpr (std::is_constructible_v<Made, const Options&, const BuildParts&>) {
    return std::make_unique<Made>(options, parts);
  } else if constexpr (std::is_constructible_v<Made, const Options&, config::Diagnostics&>) {
    return std::make_unique<Made>(options, parts.diagnostics);
  } else if constexpr (std::is_constructible_v<Made, const Options&>) {
    return std::make_unique<Made>(options);
  } else {
    return std::make_unique<Made>();
  }
}

template <class Base, class Made, class Options>
constexpr ModuleEntry<Base> module_entry() {
  return {config::module_type<Options>(), make_module<Base, Made, Options>};
}

template <class Base, std::size_t count>
constexpr std::array<const config::ModuleType*, count> types_of(
    const ModuleEntry<Base> (&entries)[count]) {
  std::array<const config::ModuleType*, count> types{};
  for (std::size_t i = 0; i < count; ++i) types[i] = &entries[i].type;
  return types;
}

/// Null if `module` is none of the entries.
template <class Base, std::size_t count>
std::unique_ptr<Base> make_from(const ModuleEntry<Base> (&entries)[count],
                                const config::Module& module, const BuildParts& parts) {
  for (const ModuleEntry<Base>& entry : entries) {
    if (module.type == &entry.type) return entry.make(module, parts);
  }
  return nullptr;
}

}  // namespace weir

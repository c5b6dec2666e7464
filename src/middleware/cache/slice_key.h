// Under which addresses the slices of something large are kept, each an object of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::cache {

/// Between an address and what tells a slice of it: no address has a blank inside.
constexpr char kSliceMark = ' ';

/// All slices of `url` have keys that begin with this.
inline std::string slices_of(std::string_view url) {
  std::string prefix(url);
  prefix += kSliceMark;
  return prefix;
}

/// Of the `size` bytes from `first` on, as the configuration divides; the last one may be shorter.
/// Those of another size are other objects.
inline std::string slice_key(std::string_view url, std::uint64_t first, std::uint64_t size) {
  std::string key = slices_of(url);
  key += std::to_string(first);
  key += '+';
  key += std::to_string(size);
  return key;
}

inline bool is_slice(std::string_view key) {
  return key.find(kSliceMark) != std::string_view::npos;
}

/// The address of which `key` is a slice, or `key` itself.
inline std::string_view whole_url(std::string_view key) {
  return key.substr(0, key.find(kSliceMark));
}

}  // namespace weir::cache

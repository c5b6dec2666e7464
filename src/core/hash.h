// A fast hash of bytes that is the same in every process, so that several of them agree on it.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir {

/// Spreads the bits of a word over all of it; no two words give the same.
constexpr std::uint64_t mix(std::uint64_t word) {
  word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
  word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
  return word ^ (word >> 31);
}

/// Not against adversaries: whoever chooses the text can make others with the same hash.
inline std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0) {
  auto fold = [](std::uint64_t a, std::uint64_t b) {
    auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t hash = mix(seed + 0x9e3779b97f4a7c15) ^ text.size();
  while (!text.empty()) {
    std::size_t size = text.size() < 8 ? text.size() : 8;
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), size);
    hash = fold(hash ^ word, 0xa0761d6478bd642f);
    text.remove_prefix(size);
  }
  return mix(hash);
}

}  // namespace weir

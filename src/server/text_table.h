// An immutable hash table from (scope, text) to a number, for lookups of hosts and segments.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Open addressing at half load or less; short texts lie in their slots, long ones in one block.
/// Its keys come from the configuration, so nobody who sends requests can make them collide.
class TextTable {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// The number stored under the key, or kNone. No allocation.
  std::uint32_t find(std::uint32_t scope, std::string_view text) const {
    if (slots_.empty()) return kNone;
    std::uint64_t hash = hash_of(scope, text);
    auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.value == kNone) return kNone;
      if (slot.tag == tag && slot.scope == scope && text_of(slot) == text) return slot.value;
    }
  }

  /// The number of the key, which becomes `value` if the key is new. While building only.
  std::uint32_t insert(std::uint32_t scope, std::string_view text, std::uint32_t value) {
    if (std::uint32_t known = find(scope, text); known != kNone) return known;
    if (2 * (count_ + 1) > slots_.size()) enlarge();
    ++count_;
    Slot slot{static_cast<std::uint32_t>(hash_of(scope, text) >> 32),
              scope,
              value,
              static_cast<std::uint32_t>(text.size()),
              {}};
    if (text.size() <= kShort) {
      std::memcpy(slot.text, text.data(), text.size());
    } else {
      std::size_t offset = texts_.size();
      std::memcpy(slot.text, &offset, sizeof offset);
      texts_ += text;
    }
    place(slot, hash_of(scope, text));
    return value;
  }

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }

 private:
  static constexpr std::size_t kShort = 16;

  // Two of them are a line of the processor's cache.
  struct alignas(32) Slot {
    std::uint32_t tag = 0;
    std::uint32_t scope = 0;
    std::uint32_t value = kNone;
    std::uint32_t size = 0;
    char text[kShort] = {};  // or where in `texts_` it begins
  };

  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  /// Eight bytes a step. The length is part of the seed, so that padding cannot be confused.
  static std::uint64_t hash_of(std::uint32_t scope, std::string_view text) {
    constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
    std::uint64_t hash = (std::uint64_t{scope} << 32 | text.size()) * kOdd;
    const char* at = text.data();
    std::size_t left = text.size();
    for (; left >= 8; at += 8, left -= 8) hash = mix(hash ^ load(at, 8), kOdd);
    if (left > 0) hash = mix(hash ^ load(at, left), kOdd);
    return mix(hash, kOdd);
  }

  static std::uint64_t load(const char* at, std::size_t bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, bytes);
    return word;
  }

  std::string_view text_of(const Slot& slot) const {
    if (slot.size <= kShort) return {slot.text, slot.size};
    std::size_t offset;
    std::memcpy(&offset, slot.text, sizeof offset);
    return std::string_view(texts_).substr(offset, slot.size);
  }

  void place(const Slot& slot, std::uint64_t hash) {
    std::size_t at = hash & mask_;
    while (slots_[at].value != kNone) at = (at + 1) & mask_;
    slots_[at] = slot;
  }

  void enlarge() {
    std::vector<Slot> old = std::move(slots_);
    slots_.assign(old.empty() ? 8 : old.size() * 2, Slot{});
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.value != kNone) place(slot, hash_of(slot.scope, text_of(slot)));
    }
  }

  std::vector<Slot> slots_;
  std::string texts_;
  std::size_t mask_ = 0;
  std::size_t count_ = 0;
};

}  // namespace weir

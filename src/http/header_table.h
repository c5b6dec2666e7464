// The names of the known header fields, prepared for a lookup that costs a few instructions.
// Only header_id.cc and the parser, which has no time for a call, include this.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "http/header_id.h"

namespace weir::header_table {

inline constexpr std::array<std::string_view, kHeaderIds> kNames = {
    "",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Age",
    "Allow",
    "Alt-Svc",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Date",
    "Early-Data",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Max-Forwards",
    "Origin",
    "Pragma",
    "Proxy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Referer",
    "Retry-After",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
    "Server",
    "Set-Cookie",
    "TE",
    "traceparent",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "WWW-Authenticate",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-Id",
};

inline constexpr std::size_t kLongest = 24;

constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A known name prepared for comparison by words: equal if (text ^ lower) has no bit outside
// `case_bits`, which are 0x20 at letters only, so that no other byte passes for one.
struct Pattern {
  char lower[kLongest] = {};
  char case_bits[kLongest] = {};
};

consteval std::array<Pattern, kHeaderIds> make_patterns() {
  std::array<Pattern, kHeaderIds> patterns{};
  for (unsigned id = 0; id < kHeaderIds; ++id) {
    for (std::size_t i = 0; i < kNames[id].size(); ++i) {
      char c = kNames[id][i];
      patterns[id].lower[i] = is_letter(c) ? static_cast<char>(c | 0x20) : c;
      patterns[id].case_bits[i] = is_letter(c) ? 0x20 : 0;
    }
  }
  return patterns;
}

// Length, the first, the last and the byte at three quarters tell all known names apart; a
// multiplication spreads them over the slots without collision. The multiplier is searched by the
// compiler.
constexpr std::uint32_t key_of(std::string_view name) {
  auto byte = [](char c) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(c | 0x20));
  };
  std::size_t n = name.size();
  return static_cast<std::uint32_t>(n) | byte(name[0]) << 8 | byte(name[n * 3 / 4]) << 16 |
         byte(name[n - 1]) << 24;
}

inline constexpr unsigned kSlotBits = 9;
constexpr std::uint32_t slot_of(std::uint32_t key, std::uint32_t multiplier) {
  return (key * multiplier) >> (32 - kSlotBits);
}

consteval std::uint32_t find_multiplier() {
  std::array<std::uint32_t, kHeaderIds> keys{};
  for (unsigned id = 1; id < kHeaderIds; ++id) keys[id] = key_of(kNames[id]);
  std::uint32_t multiplier = 0x9e3779b1;
  for (int tries = 0; tries < 1000; ++tries) {
    bool used[1 << kSlotBits] = {};
    bool collides = false;
    for (unsigned id = 1; id < kHeaderIds && !collides; ++id) {
      bool& slot = used[slot_of(keys[id], multiplier)];
      collides = slot;
      slot = true;
    }
    if (!collides) return multiplier;
    multiplier = (multiplier * 0x2c1b3c6d + 0x297a2d38) | 1;
  }
  return 0;
}

inline constexpr std::uint32_t kMultiplier = find_multiplier();
static_assert(kMultiplier != 0,
              "no multiplier: two names have the same key, or there are too few slots");

consteval std::array<std::uint8_t, 1 << kSlotBits> make_slots() {
  std::array<std::uint8_t, 1 << kSlotBits> slots{};
  for (unsigned id = 1; id < kHeaderIds; ++id) {
    slots[slot_of(key_of(kNames[id]), kMultiplier)] = static_cast<std::uint8_t>(id);
  }
  return slots;
}

consteval std::array<std::uint8_t, kHeaderIds> make_sizes() {
  std::array<std::uint8_t, kHeaderIds> sizes{};
  for (unsigned id = 0; id < kHeaderIds; ++id) {
    sizes[id] = static_cast<std::uint8_t>(kNames[id].size());
  }
  return sizes;
}

inline constexpr std::array<Pattern, kHeaderIds> kPatterns = make_patterns();
inline constexpr std::array<std::uint8_t, 1 << kSlotBits> kSlots = make_slots();
inline constexpr std::array<std::uint8_t, kHeaderIds> kSizes = make_sizes();

template <class Word>
[[gnu::always_inline]] inline bool differs(const char* text, const Pattern& pattern,
                                           std::size_t at) {
  Word word, lower, case_bits;
  std::memcpy(&word, text + at, sizeof(Word));
  std::memcpy(&lower, pattern.lower + at, sizeof(Word));
  std::memcpy(&case_bits, pattern.case_bits + at, sizeof(Word));
  return ((word ^ lower) & static_cast<Word>(~case_bits)) != 0;
}

// Words that overlap at the end: at most three steps, no byte behind the text is read.
[[gnu::always_inline]] inline bool matches(const char* text, std::size_t n,
                                           const Pattern& pattern) {
  if (n >= 8) {
    for (std::size_t at = 0; at + 8 < n; at += 8) {
      if (differs<std::uint64_t>(text, pattern, at)) return false;
    }
    return !differs<std::uint64_t>(text, pattern, n - 8);
  }
  if (n >= 4) {
    return !differs<std::uint32_t>(text, pattern, 0) &&
           !differs<std::uint32_t>(text, pattern, n - 4);
  }
  return !differs<std::uint16_t>(text, pattern, 0) && !differs<std::uint16_t>(text, pattern, n - 2);
}

/// What header_id does. Every byte of `name` is read, none beside it.
[[gnu::always_inline]] inline HeaderId find(std::string_view name) {
  std::size_t n = name.size();
  if (n < 2 || n > kLongest) return HeaderId::unknown;
  unsigned id = kSlots[slot_of(key_of(name), kMultiplier)];
  if (kSizes[id] != n || !matches(name.data(), n, kPatterns[id])) return HeaderId::unknown;
  return static_cast<HeaderId>(id);
}

}  // namespace weir::header_table

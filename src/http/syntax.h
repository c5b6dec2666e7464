// The small grammar that all HTTP fields share: character classes, OWS, comma lists (RFC
// 9110, 5.6).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace weir {

/// Bits of kCharClass.
enum CharClass : std::uint8_t {
  kTokenChar = 1,   // tchar, RFC 9110, 5.6.2
  kValueChar = 2,   // SP, HTAB, VCHAR, obs-text: what a field value may hold (5.5)
  kTargetChar = 4,  // VCHAR except '#': what we take in a request target
  kHostChar = 8,    // reg-name and IPv4address of RFC 3986, without percent-encoding
  kQuotedChar = 16  // qdtext, RFC 9110, 5.6.4
};

namespace detail {
consteval std::array<std::uint8_t, 256> make_char_classes() {
  std::array<std::uint8_t, 256> table{};
  auto alnum = [](int c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (int c = 0; c < 256; ++c) {
    bool vchar = c > 0x20 && c < 0x7f;
    if (alnum(c)) table[c] |= kTokenChar | kHostChar;
    if (c == '\t' || c == ' ' || vchar || c >= 0x80) {
      table[c] |= kValueChar;
      if (c != '"' && c != '\\') table[c] |= kQuotedChar;
    }
    if (vchar && c != '#') table[c] |= kTargetChar;
  }
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<int>(c)] |= kTokenChar;
  for (char c : std::string_view("-._~!$&'()*+;=")) table[static_cast<int>(c)] |= kHostChar;
  return table;
}
}  // namespace detail

inline constexpr std::array<std::uint8_t, 256> kCharClass = detail::make_char_classes();

constexpr bool has_class(char c, CharClass which) {
  return (kCharClass[static_cast<unsigned char>(c)] & which) != 0;
}

constexpr bool all_of_class(std::string_view text, CharClass which) {
  for (char c : text) {
    if (!has_class(c, which)) return false;
  }
  return true;
}

constexpr bool is_token_char(char c) { return has_class(c, kTokenChar); }
constexpr bool is_token(std::string_view text) {
  return !text.empty() && all_of_class(text, kTokenChar);
}
/// No CTL but HTAB. Every value that comes from outside passes this or the vector twin of it.
constexpr bool is_field_value(std::string_view text) { return all_of_class(text, kValueChar); }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_ows(char c) { return c == ' ' || c == '\t'; }
constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// Equal but for the case of ASCII letters.
constexpr bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}

constexpr bool istarts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

constexpr std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && is_ows(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ows(text.back())) text.remove_suffix(1);
  return text;
}

/// Calls fn(element) for each element of a comma list, without its OWS; empty elements are
/// skipped (RFC 9110, 5.6.1.2). Knows no quoted strings: for lists of tokens only. `fn` may
/// return false to stop; then so does this.
template <class F>
constexpr bool for_each_token(std::string_view list, F&& fn) {
  while (true) {
    std::size_t comma = list.find(',');
    std::string_view element = trim_ows(list.substr(0, comma));
    if (!element.empty()) {
      if constexpr (std::is_same_v<std::invoke_result_t<F, std::string_view>, bool>) {
        if (!fn(element)) return false;
      } else {
        fn(element);
      }
    }
    if (comma == std::string_view::npos) return true;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace weir

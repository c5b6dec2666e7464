#include "core/base64.h"

#include <array>
#include <string>

namespace weir {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 0xff;

consteval std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr std::array<std::uint8_t, 256> kValues = make_values();

std::uint32_t byte(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

}  // namespace

Slice base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = byte(bytes, at) << 16 | byte(bytes, at + 1) << 8 | byte(bytes, at + 2);
    for (int shift = 18; shift >= 0; shift -= 6) text += kAlphabet[group >> shift & 63];
  }
  for (std::size_t missing = (3 - bytes.size() % 3) % 3; missing > 0; --missing) {
    text[text.size() - missing] = '=';
  }
  return copy_slice(text);
}

Result<Slice> Base64Decoder::decode(std::string_view text) {
  const auto refused = fail(ErrorCode::parse, Origin::client, "not base64");
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  for (char c : text) {
    std::uint32_t value = kValues[static_cast<unsigned char>(c)];
    if (c == '=') {
      if (held_ < 2) return refused;
      ++padding_;
      value = 0;
    } else if (value == kNone || padding_ > 0) {
      return refused;
    }
    bits_ = bits_ << 6 | value;
    if (++held_ < 4) continue;
    for (unsigned i = 0; i < 3 - padding_; ++i) bytes += static_cast<char>(bits_ >> (16 - 8 * i));
    bits_ = held_ = padding_ = 0;
  }
  return copy_slice(bytes);
}

}  // namespace weir

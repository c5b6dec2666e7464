#include "middleware/basic_auth/credentials.h"

#include <algorithm>

#include "core/base64.h"
#include "http/syntax.h"

namespace weir {
namespace {

constexpr std::size_t kMostBytes = 512;  // what crypt(3) takes
constexpr std::string_view kScheme = "basic ";

bool has_controls(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

}  // namespace

std::optional<BasicCredentials> parse_basic_credentials(std::string_view value) {
  if (!istarts_with(value, kScheme)) return std::nullopt;
  value.remove_prefix(kScheme.size());
  while (value.starts_with(' ')) value.remove_prefix(1);
  if (value.size() > (kMostBytes + 2) / 3 * 4) return std::nullopt;
  // One text: what follows padding would be another.
  std::size_t padding = value.find('=');
  if (padding != value.npos && padding + 2 < value.size()) return std::nullopt;
  Base64Decoder decoder;
  Result<Slice> plain = decoder.decode(value);
  if (!plain || !decoder.complete() || plain->size() > kMostBytes) return std::nullopt;
  std::string_view text = plain->view();
  std::size_t colon = text.find(':');
  if (colon == text.npos || colon == 0 || has_controls(text)) return std::nullopt;
  return BasicCredentials{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace weir

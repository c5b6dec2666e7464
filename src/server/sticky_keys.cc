#include "server/sticky_keys.h"

#include <string_view>

#include "io/tls/files.h"

namespace weir {
namespace {

constexpr std::size_t kLeastLength = 32;
constexpr std::size_t kMostKeys = 8;  // each costs a MAC for every endpoint

}  // namespace

std::expected<std::vector<std::string>, std::string> read_sticky_keys(const std::string& path) {
  std::expected<std::string, std::string> text = read_small_file(path);
  if (!text) return std::unexpected(text.error());
  std::vector<std::string> keys;
  std::string_view left = *text;
  while (!left.empty()) {
    std::size_t end = std::min(left.find('\n'), left.size());
    std::string_view line = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.size() < kLeastLength)
      return std::unexpected("a secret is shorter than 32 characters");
    keys.emplace_back(line);
  }
  if (keys.empty()) return std::unexpected("it has no secret");
  if (keys.size() > kMostKeys) return std::unexpected("it has more than 8 secrets");
  return keys;
}

}  // namespace weir

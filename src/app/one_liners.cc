#include "app/one_liners.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

namespace weir {
namespace {

bool is_port(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// A YAML text in double quotes.
std::string yaml_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (control) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string listening(std::string_view from) {
  return is_port(from) ? fmt::format(":{}", from) : std::string(from);
}

std::string origin(std::string_view to) {
  constexpr std::string_view kScheme = "http://";
  bool url = to.starts_with(kScheme);
  if (url) to.remove_prefix(kScheme.size());
  if (url && to.ends_with('/')) to.remove_suffix(1);
  if (is_port(to)) return fmt::format("localhost:{}", to);
  bool bare = to.find(':') == std::string_view::npos || to.ends_with(']');
  return url && bare ? fmt::format("{}:80", to) : std::string(to);
}

}  // namespace

std::string proxy_config(const ProxyOptions& options) {
  std::string text = fmt::format(
      "listeners:\n"
      "  - address: {}\n"
      "routes:\n"
      "  - reverse_proxy: origins\n"
      "upstreams:\n"
      "  origins:\n"
      "    endpoints:\n",
      yaml_text(listening(options.from)));
  for (const std::string& to : options.to)
    text += fmt::format("      - {}\n", yaml_text(origin(to)));
  return text;
}

std::string serve_config(const ServeOptions& options) {
  std::error_code unknown;  // the working directory is gone: the path stays as it is
  std::filesystem::path root = std::filesystem::absolute(options.root, unknown);
  std::string text = fmt::format(
      "listeners:\n"
      "  - address: {}\n"
      "use: [compress]\n"
      "routes:\n"
      "  - static_files:\n"
      "      root: {}\n",
      yaml_text(listening(options.listen)),
      yaml_text(unknown ? options.root : root.lexically_normal().string()));
  if (options.listing) text += "      listing: true\n";
  if (options.single_page) text += "      fallback: /index.html\n";
  return text;
}

}  // namespace weir

#include "http/file_path.h"

namespace weir {
namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The target was normalised before; what is checked again here is what the kernel must not see.
bool is_clean(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return false;
  while (!path.empty()) {
    std::size_t slash = path.find('/');
    std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment == "." || segment == "..") return false;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return true;
}

}  // namespace

std::optional<std::string_view> file_path(std::string_view path, Arena& arena) {
  if (!path.starts_with('/')) return std::nullopt;
  path.remove_prefix(1);
  if (path.find('%') != std::string_view::npos) {
    char* out = arena.allocate(path.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < path.size(); ++i) {
      char c = path[i];
      if (c == '%') {
        if (i + 2 >= path.size()) return std::nullopt;
        int high = hex(path[i + 1]);
        int low = hex(path[i + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        c = static_cast<char>(high * 16 + low);
        if (c == '/') return std::nullopt;  // a name cannot hold one
        i += 2;
      }
      out[size++] = c;
    }
    path = {out, size};
  }
  if (!is_clean(path)) return std::nullopt;
  return path;
}

std::optional<std::string_view> strip_prefix(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return std::nullopt;
  path.remove_prefix(prefix.size());
  if (path.empty()) return "/";
  if (path.front() != '/') return std::nullopt;
  return path;
}

}  // namespace weir

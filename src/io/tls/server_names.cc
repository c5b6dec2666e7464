#include "io/tls/server_names.h"

namespace weir {
namespace {

absl::string_view key(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

ServerNames::ServerNames(std::span<const std::string> names) {
  for (const std::string& name : names) {
    if (name.starts_with("*.")) {
      parents_.insert(name.substr(2));
    } else {
      exact_.insert(name);
    }
  }
}

bool ServerNames::contain(std::string_view name) const {
  if (exact_.contains(key(name))) return true;
  if (parents_.empty()) return false;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos;
       dot = name.find('.', dot + 1)) {
    if (dot > 0 && parents_.contains(key(name.substr(dot + 1)))) return true;
  }
  return false;
}

}  // namespace weir

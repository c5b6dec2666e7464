#include "http/owned_fields.h"

#include "http/h1/framing.h"

namespace weir {
namespace {

char folded(char c) { return c == '_' ? '-' : ascii_lower(c); }

bool reads_alike(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (folded(a[i]) != folded(b[i])) return false;
  }
  return true;
}

}  // namespace

void clear_owned(Headers& request, std::span<const std::string> names) {
  h1::remove_hop_by_hop(request);
  request.remove_if([&](const Header& field) {
    for (const std::string& name : names) {
      if (reads_alike(field.name(), name)) return true;
    }
    return false;
  });
}

}  // namespace weir

#include "config/places.h"

#include <algorithm>
#include <tuple>

namespace weir::config {

Places::Places(const Tree& tree) {
  if (tree.empty()) return;
  values_.push_back({0, {}});
  add(tree.root(), 0);
  std::stable_sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

void Places::mark(Node node, std::uint32_t value) {
  places_.push_back({node.position().line, node.position().column, value});
}

// Nesting is bounded by the reader of the tree.
void Places::add(Node node, std::uint32_t value) {
  mark(node, value);
  if ((!node.is_list() && !node.is_map()) || !node.has_child()) return;
  std::size_t number = 0;
  for (Node child = node.first_child();; child = child.next()) {
    values_.push_back({value, node.is_list() ? std::to_string(number++) : std::string()});
    const auto index = static_cast<std::uint32_t>(values_.size() - 1);
    if (node.is_map()) {
      if (child.is_scalar()) values_[index].name = child.text();
      mark(child, index);
      if (!child.has_next()) return;
      child = child.next();
    }
    add(child, index);
    if (!child.has_next()) return;
  }
}

std::string Places::path(const Position& position) const {
  const auto after = std::upper_bound(
      places_.begin(), places_.end(), position, [](const Position& wanted, const Place& place) {
        return std::tie(wanted.line, wanted.column) < std::tie(place.line, place.column);
      });
  if (!position.known() || after == places_.begin()) return {};
  std::string path;
  for (std::uint32_t at = (after - 1)->value; at != 0; at = values_[at].parent) {
    path.insert(0, "/" + pointer_step(values_[at].name));
  }
  return path;
}

std::string pointer_step(std::string_view name) {
  std::string step;
  for (char c : name) {
    if (c == '~') {
      step += "~0";
    } else if (c == '/') {
      step += "~1";
    } else {
      step += c;
    }
  }
  return step;
}

}  // namespace weir::config

#include "config/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace weir::config {
namespace {

constexpr std::size_t kLongestName = 64;  // longer texts are no misspelt names

char fold(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return c == '-' ? '_' : c;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > kLongestName || b.size() > kLongestName) return limit + 1;
  // Three rows of the usual matrix; the one before the previous serves the swap.
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = fold(a[i - 1]) == fold(b[j - 1]);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, row);
  }
  return std::min(previous[b.size()], limit + 1);
}

std::string_view closest(std::string_view name, std::span<const std::string_view> known) {
  // A third of the letters may be wrong, but one always and three at most.
  const std::size_t limit = std::clamp<std::size_t>(name.size() / 3, 1, 3);
  std::size_t best = limit + 1;
  std::string_view match;
  for (std::string_view candidate : known) {
    const std::size_t distance = edit_distance(name, candidate, limit);
    // A guess that shares no letter with the name is no help.
    if (distance < best && distance < std::max(name.size(), candidate.size())) {
      best = distance;
      match = candidate;
    }
  }
  return match;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> known) {
  if (std::string_view match = closest(name, known); !match.empty()) {
    return fmt::format("did you mean \"{}\"?", match);
  }
  if (known.empty()) return {};
  constexpr std::size_t kMost = 12;
  if (known.size() <= kMost) return fmt::format("known here: {}", fmt::join(known, ", "));
  return fmt::format("known here: {}, and {} more", fmt::join(known.first(kMost), ", "),
                     known.size() - kMost);
}

}  // namespace weir::config

#include "http/ranges.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "http/syntax.h"

namespace weir {
namespace {

// Digits alone. What is too large for 64 bits is as large as can be: no file reaches that far.
std::optional<std::uint64_t> parse_position(std::string_view text) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kLargest - digit) / 10 ? kLargest : value * 10 + digit;
  }
  return value;
}

// Sum-free: `first + size` cannot overflow, as both lie within a length of 64 bits.
bool touch(const ByteRange& lower, const ByteRange& upper) {
  return upper.first <= lower.first + lower.size;
}

}  // namespace

RangeAnswer ByteRanges::parse(std::string_view value, std::uint64_t length) {
  constexpr std::string_view kUnit = "bytes=";
  count_ = 0;
  if (!istarts_with(value, kUnit)) return RangeAnswer::whole;
  std::size_t specs = 0;
  bool good = for_each_token(value.substr(kUnit.size()), [&](std::string_view spec) {
    return ++specs <= kMost && add(spec, length);
  });
  if (!good || specs == 0) return RangeAnswer::whole;
  if (count_ == 0) return RangeAnswer::unsatisfiable;
  if (parts_[0].size == 0) return RangeAnswer::whole;
  join();
  return RangeAnswer::parts;
}

// False for what is no range. One that lies outside is good, and adds nothing.
bool ByteRanges::add(std::string_view spec, std::uint64_t length) {
  std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return false;
  std::string_view from = trim_ows(spec.substr(0, dash));
  std::string_view to = trim_ows(spec.substr(dash + 1));
  if (from.empty()) {
    std::optional<std::uint64_t> suffix = parse_position(to);
    if (!suffix) return false;
    std::uint64_t size = std::min(*suffix, length);
    // The end of nothing can be sent, but there is no Content-Range that says so.
    if (*suffix > 0) parts_[count_++] = {length - size, size};
    return true;
  }
  std::optional<std::uint64_t> first = parse_position(from);
  std::optional<std::uint64_t> last = std::numeric_limits<std::uint64_t>::max();
  if (!to.empty()) last = parse_position(to);
  if (!first || !last || *last < *first) return false;
  if (*first >= length) return true;
  parts_[count_++] = {*first, std::min(*last, length - 1) - *first + 1};
  return true;
}

void ByteRanges::join() {
  std::array<ByteRange, kMost> sorted = parts_;
  std::sort(sorted.begin(), sorted.begin() + count_,
            [](const ByteRange& a, const ByteRange& b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (std::size_t i = 1; i < count_; ++i) {
    ByteRange& lower = sorted[kept];
    if (touch(lower, sorted[i])) {
      lower.size = std::max(lower.size, sorted[i].first + sorted[i].size - lower.first);
    } else {
      sorted[++kept] = sorted[i];
    }
  }
  if (kept + 1 == count_) return;
  parts_ = sorted;
  count_ = kept + 1;
}

std::optional<ContentRange> parse_content_range(std::string_view value) {
  constexpr std::string_view kUnit = "bytes ";
  constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
  value = trim_ows(value);
  if (!istarts_with(value, kUnit)) return std::nullopt;
  value = trim_ows(value.substr(kUnit.size()));
  std::size_t slash = value.find('/');
  std::size_t dash = value.substr(0, slash).find('-');
  if (slash == std::string_view::npos || dash == std::string_view::npos) return std::nullopt;
  std::optional<std::uint64_t> first = parse_position(value.substr(0, dash));
  std::optional<std::uint64_t> last = parse_position(value.substr(dash + 1, slash - dash - 1));
  std::optional<std::uint64_t> length = parse_position(value.substr(slash + 1));
  if (!first || !last || !length || *length == kLargest) return std::nullopt;
  if (*last < *first || *last >= *length) return std::nullopt;
  return ContentRange{{*first, *last - *first + 1}, *length};
}

}  // namespace weir

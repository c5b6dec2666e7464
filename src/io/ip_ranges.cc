#include "io/ip_ranges.h"

#include <algorithm>
#include <limits>

namespace weir {
namespace {

template <class Number>
Number number_of(const IpAddress& ip) {
  Number number = 0;
  for (std::size_t i = ip.bytes.size() - sizeof(Number); i < ip.bytes.size(); ++i) {
    number = number << 8 | ip.bytes[i];
  }
  return number;
}

bool is_mapped(const IpAddress& ip) {
  return std::all_of(ip.bytes.begin(), ip.bytes.begin() + 10, [](auto b) { return b == 0; }) &&
         ip.bytes[10] == 0xff && ip.bytes[11] == 0xff;
}

}  // namespace

IpRanges::IpRanges(std::span<const IpNetwork> networks) {
  auto range = [](auto base, unsigned prefix) {
    using Number = decltype(base);
    constexpr unsigned kBits = sizeof(Number) * 8;
    Number host = prefix == 0 ? ~Number{0} : (Number{1} << (kBits - prefix)) - 1;
    return Range<Number>{base & ~host, base | host};
  };
  for (const IpNetwork& each : networks) {
    if (each.base.v4) {
      v4_.push_back(range(number_of<std::uint32_t>(each.base), each.prefix));
    } else if (each.prefix >= 96 && is_mapped(each.base)) {
      v4_.push_back(range(number_of<std::uint32_t>(each.base), each.prefix - 96u));
    } else {
      v6_.push_back(range(number_of<Wide>(each.base), each.prefix));
    }
  }
  merge(v4_);
  merge(v6_);
}

template <class Number>
void IpRanges::merge(std::vector<Range<Number>>& ranges) {
  std::ranges::sort(ranges, {}, &Range<Number>::first);
  std::size_t kept = 0;
  for (const Range<Number>& each : ranges) {
    if (kept > 0) {
      Range<Number>& last = ranges[kept - 1];
      // The last address of all has none behind it.
      if (each.first <= last.last || each.first - 1 == last.last) {
        last.last = std::max(last.last, each.last);
        continue;
      }
    }
    ranges[kept++] = each;
  }
  ranges.resize(kept);
  ranges.shrink_to_fit();
}

template <class Number>
bool IpRanges::find(const std::vector<Range<Number>>& ranges, Number ip) {
  auto after = std::ranges::upper_bound(ranges, ip, {}, &Range<Number>::first);
  return after != ranges.begin() && ip <= std::prev(after)->last;
}

bool IpRanges::contains(const IpAddress& ip) const {
  if (ip.v4 || is_mapped(ip)) return find(v4_, number_of<std::uint32_t>(ip));
  return find(v6_, number_of<Wide>(ip));
}

}  // namespace weir

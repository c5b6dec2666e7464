// IpRanges: a set of networks that is asked for one address at a time, fast with many thousands.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "io/address.h"

namespace weir {

/// Immutable. What is asked for costs O(log n), no memory and no cache line that is written:
/// ranges that overlap or touch are merged into one, and of a family only its own are looked at.
class IpRanges {
 public:
  IpRanges() = default;
  explicit IpRanges(std::span<const IpNetwork> networks);

  bool empty() const { return v4_.empty() && v6_.empty(); }
  /// Of both families, after merging.
  std::size_t size() const { return v4_.size() + v6_.size(); }
  /// IPv4-mapped IPv6 addresses (`::ffff:a.b.c.d`) match IPv4 networks.
  bool contains(const IpAddress& ip) const;

 private:
  using Wide = unsigned __int128;
  template <class Number>
  struct Range {
    Number first;
    Number last;
  };

  template <class Number>
  static void merge(std::vector<Range<Number>>& ranges);
  template <class Number>
  static bool find(const std::vector<Range<Number>>& ranges, Number ip);

  std::vector<Range<std::uint32_t>> v4_;
  std::vector<Range<Wide>> v6_;
};

}  // namespace weir

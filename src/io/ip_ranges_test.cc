#include "io/ip_ranges.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace weir {
namespace {

IpRanges of(std::initializer_list<const char*> texts) {
  std::vector<IpNetwork> networks;
  for (const char* text : texts) networks.push_back(IpNetwork::parse(text).value());
  return IpRanges(networks);
}

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

TEST(IpRanges, has_the_first_and_the_last_address_of_a_network_and_no_other) {
  IpRanges ranges = of({"10.1.2.0/24", "2001:db8:1::/48"});
  EXPECT_FALSE(ranges.contains(ip("10.1.1.255")));
  EXPECT_TRUE(ranges.contains(ip("10.1.2.0")));
  EXPECT_TRUE(ranges.contains(ip("10.1.2.255")));
  EXPECT_FALSE(ranges.contains(ip("10.1.3.0")));
  EXPECT_FALSE(ranges.contains(ip("2001:db8:0:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_TRUE(ranges.contains(ip("2001:db8:1::")));
  EXPECT_TRUE(ranges.contains(ip("2001:db8:1:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(ranges.contains(ip("2001:db8:2::")));
}

TEST(IpRanges, knows_whole_families_and_single_addresses) {
  EXPECT_TRUE(of({"0.0.0.0/0"}).contains(ip("255.255.255.255")));
  EXPECT_FALSE(of({"0.0.0.0/0"}).contains(ip("::1")));
  EXPECT_TRUE(of({"::/0"}).contains(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(of({"::/0"}).contains(ip("1.2.3.4")));
  EXPECT_TRUE(of({"255.255.255.255", "0.0.0.0"}).contains(ip("255.255.255.255")));
  EXPECT_TRUE(of({"255.255.255.255", "0.0.0.0"}).contains(ip("0.0.0.0")));
  EXPECT_FALSE(of({}).contains(ip("1.2.3.4")));
  EXPECT_TRUE(of({}).empty());
}

TEST(IpRanges, takes_mapped_addresses_for_what_they_stand_for) {
  EXPECT_TRUE(of({"10.0.0.0/8"}).contains(ip("::ffff:10.1.2.3")));
  EXPECT_FALSE(of({"::/0"}).contains(ip("::ffff:10.1.2.3")));
  EXPECT_TRUE(of({"::ffff:10.0.0.0/104"}).contains(ip("10.1.2.3")));
}

TEST(IpRanges, merges_what_overlaps_or_touches) {
  IpRanges ranges = of({"10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "10.0.0.0/9", "12.0.0.0/8"});
  EXPECT_EQ(ranges.size(), 2u);
  EXPECT_TRUE(ranges.contains(ip("10.255.255.255")));
  EXPECT_FALSE(ranges.contains(ip("11.0.0.0")));
}

TEST(IpRanges, agrees_with_the_networks_one_by_one) {
  Random random(7);
  std::vector<IpNetwork> networks;
  auto draw = [&] {
    IpAddress address;
    address.v4 = random.below(2) == 0;
    // Few different bytes, so that networks meet.
    for (std::size_t i = address.v4 ? 12 : 0; i < 16; ++i) {
      address.bytes[i] = static_cast<std::uint8_t>(random.below(3) * 0x7f);
    }
    return address;
  };
  for (int i = 0; i < 200; ++i) {
    IpAddress base = draw();
    std::uint64_t bits = base.v4 ? 32 : 128;
    networks.push_back({base, static_cast<std::uint8_t>(bits - random.below(bits / 2))});
  }
  IpRanges ranges(networks);
  for (int i = 0; i < 5000; ++i) {
    IpAddress asked = draw();
    bool expected = false;
    for (const IpNetwork& each : networks) expected = expected || each.contains(asked);
    EXPECT_EQ(ranges.contains(asked), expected) << asked.text();
  }
}

}  // namespace
}  // namespace weir

#include "io/address.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

TEST(IpAddress, is_parsed_and_written_in_canonical_form) {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1",
                           "fe80::1:2:3:4", "::ffff:1.2.3.4"}) {
    auto ip = IpAddress::parse(text);
    ASSERT_TRUE(ip) << text;
    EXPECT_EQ(ip->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("2001:0DB8:0:0:0:0:0:1")->text(), "2001:db8::1");
}

TEST(IpAddress, is_refused_when_it_is_not_exactly_one) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " ::1",
                           ":::", "[::1]", "localhost", "::1%eth0", "1.2.3.4/8", "0x7f.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::parse(std::string(1000, '1')));
}

TEST(IpAddress, knows_the_loopback) {
  EXPECT_TRUE(IpAddress::parse("127.8.9.1")->loopback());
  EXPECT_TRUE(IpAddress::parse("::1")->loopback());
  EXPECT_TRUE(IpAddress::parse("::ffff:127.0.0.1")->loopback());
  EXPECT_FALSE(IpAddress::parse("128.0.0.1")->loopback());
  EXPECT_FALSE(IpAddress::parse("::2")->loopback());
  EXPECT_FALSE(IpAddress::parse("::")->loopback());
}

TEST(Address, is_parsed_and_written) {
  for (const char* text :
       {"127.0.0.1:80", "[::1]:443", "0.0.0.0:65535", ":8080", "unix:/run/weir.sock"}) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(Address, without_a_host_means_every_address_of_both_families) {
  auto address = Address::parse(":8080");
  EXPECT_TRUE(address->any());
  EXPECT_EQ(address->family(), Address::Family::ipv6);
  EXPECT_FALSE(Address::parse("0.0.0.0:8080")->any());
}

TEST(Address, is_refused_when_it_is_not_exactly_one) {
  for (const char* text :
       {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:+1",
        "127.0.0.1: 80", "::1:80", "[127.0.0.1]:80", "[::1]", "[]:80", "localhost:80",
        "unix:", "host", "[::1]:80 ", "127.0.0.1:0x50"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::parse("unix:" + std::string(108, 'a')));
  EXPECT_TRUE(Address::parse("unix:" + std::string(107, 'a')));
}

TEST(Address, survives_the_way_through_a_sockaddr) {
  for (const char* text : {"1.2.3.4:80", "[2001:db8::5]:65535", "unix:/run/weir.sock"}) {
    sockaddr_storage storage;
    Address address = *Address::parse(text);
    socklen_t length = address.to_sockaddr(storage);
    EXPECT_EQ(Address::from_sockaddr(storage, length), address);
  }
  Address longest = Address::unix_socket(std::string(107, 'p'));
  sockaddr_storage storage;
  socklen_t length = longest.to_sockaddr(storage);
  EXPECT_EQ(Address::from_sockaddr(storage, length), longest);
}

TEST(Address, of_a_mapped_client_is_its_own_address) {
  sockaddr_storage storage;
  Address mapped(*IpAddress::parse("::ffff:10.1.2.3"), 99);
  socklen_t length = mapped.to_sockaddr(storage);
  EXPECT_EQ(Address::from_sockaddr(storage, length).text(), "10.1.2.3:99");
}

TEST(Address, is_ordered_and_compared_by_value) {
  Address a = *Address::parse("1.2.3.4:80");
  EXPECT_EQ(a, *Address::parse("1.2.3.4:80"));
  EXPECT_NE(a, a.with_port(81));
  EXPECT_LT(a, a.with_port(81));
  EXPECT_EQ(Address::unix_socket("/a"), Address::unix_socket("/a"));
  EXPECT_LT(Address::unix_socket("/a"), Address::unix_socket("/b"));
}

TEST(IpNetwork, contains_what_shares_its_prefix) {
  auto network = IpNetwork::parse("10.32.0.0/11");
  ASSERT_TRUE(network);
  EXPECT_TRUE(network->contains(*IpAddress::parse("10.63.255.255")));
  EXPECT_FALSE(network->contains(*IpAddress::parse("10.64.0.0")));
  EXPECT_TRUE(network->contains(*IpAddress::parse("::ffff:10.33.0.1")));
  EXPECT_FALSE(network->contains(*IpAddress::parse("::10.33.0.1")));
  auto six = IpNetwork::parse("2001:db8::/33");
  EXPECT_TRUE(six->contains(*IpAddress::parse("2001:db8:7fff::1")));
  EXPECT_FALSE(six->contains(*IpAddress::parse("2001:db8:8000::1")));
  EXPECT_FALSE(six->contains(*IpAddress::parse("32.1.13.184")));
}

TEST(IpNetwork, of_no_bits_contains_its_family_and_of_all_bits_one_address) {
  EXPECT_TRUE(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("9.9.9.9")));
  EXPECT_FALSE(IpNetwork::parse("0.0.0.0/0")->contains(*IpAddress::parse("::9")));
  EXPECT_TRUE(IpNetwork::parse("::/0")->contains(*IpAddress::parse("fe80::9")));
  EXPECT_TRUE(IpNetwork::parse("1.2.3.4")->contains(*IpAddress::parse("1.2.3.4")));
  EXPECT_FALSE(IpNetwork::parse("1.2.3.4/32")->contains(*IpAddress::parse("1.2.3.5")));
}

TEST(IpNetwork, is_refused_with_a_bad_prefix) {
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8 ", "::/129", "/8",
                           "10.0.0.0/8/8", "10.0.0.0/+8"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

}  // namespace
}  // namespace weir

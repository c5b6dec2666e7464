#include "config/address.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

std::string address(std::string_view text, bool host_names = false, bool any_port = false) {
  Rules rules;
  rules.host_names = host_names;
  rules.any_port = any_port;
  Address value;
  const auto problem = read_address(text, rules, value);
  return problem ? "refused: " + problem->help : value.text();
}

std::string network(std::string_view text) {
  Network value;
  const auto problem = read_network(text, value);
  return problem ? "refused: " + problem->help : value.text();
}

TEST(Addresses, come_in_their_canonical_form) {
  EXPECT_EQ(address(":8080"), ":8080");
  EXPECT_EQ(address("127.0.0.1:80"), "127.0.0.1:80");
  EXPECT_EQ(address("[::1]:80"), "[::1]:80");
  EXPECT_EQ(address("[0:0::1]:80"), "[::1]:80");
  EXPECT_EQ(address("unix:/run/app.sock"), "unix:/run/app.sock");
  EXPECT_EQ(address("unix:@app"), "unix:@app");
}

TEST(Addresses, name_hosts_only_where_the_field_says_so) {
  EXPECT_EQ(address("localhost:3000", true), "localhost:3000");
  EXPECT_EQ(address("App.Example:80", true), "app.example:80");
  EXPECT_EQ(address("dns:app.example:80", true), "app.example:80");
  EXPECT_EQ(address("my_service:80", true), "my_service:80");
  EXPECT_EQ(address("srv:_HTTP._tcp.app.example", true), "srv:_http._tcp.app.example");
  EXPECT_EQ(address("srv:_http._tcp.app.example:80", true),
            "refused: write srv:_http._tcp.app.example");
  EXPECT_TRUE(address("srv:", true).starts_with("refused"));
  EXPECT_TRUE(address("srv:_http._tcp.app.example").starts_with("refused"));
  EXPECT_EQ(address("localhost:3000"), "refused: write 127.0.0.1:3000");
  EXPECT_EQ(address("app.example:3000"), "refused: use an IP address");
  EXPECT_EQ(address("dns:10.0.0.1:80", true), "refused: write 10.0.0.1:80");
  EXPECT_EQ(address(":80", true), "refused: write localhost:80");
}

TEST(Addresses, need_a_port_in_range) {
  EXPECT_EQ(address("10.0.0.1"), "refused: write 10.0.0.1:80");
  EXPECT_EQ(address("8080"), "refused: write \":8080\"");
  EXPECT_EQ(address(":65535"), ":65535");
  EXPECT_EQ(address(":65536"), "refused: a port is a number from 1 to 65535");
  EXPECT_EQ(address(":"), "refused: a port is a number from 1 to 65535");
  EXPECT_EQ(address(":80a"), "refused: a port is a number from 1 to 65535");
  EXPECT_EQ(address(":0"), "refused: a port is a number from 1 to 65535");
  EXPECT_EQ(address(":0", false, true), ":0");
}

TEST(Addresses, of_ipv6_need_brackets) {
  EXPECT_EQ(address("::1"), "refused: write \"[::1]:80\"");
  EXPECT_EQ(address("::1:80"), "refused: write \"[::1:80]:80\"");
  EXPECT_EQ(address("[::1:80"),
            "refused: write it like :8080, 127.0.0.1:80, [::1]:80 or "
            "unix:/run/app.sock");
  EXPECT_TRUE(address("[1.2.3.4]:80").starts_with("refused"));
}

TEST(Addresses, that_look_like_ipv4_are_ipv4_or_refused) {
  for (std::string_view text :
       {"10.0.0.256:80", "10.0.0:80", "1:80", "010.0.0.1:80", "1.2.3.4.:80", "0x7f.1:80"}) {
    EXPECT_TRUE(address(text, true).starts_with("refused")) << text;
  }
}

TEST(Addresses, with_malformed_hosts_are_refused) {
  for (std::string_view text :
       {"-a:80", "a-:80", "a..b:80", ".a:80", "a b:80", "a/b:80", "a@b:80", "a-.b:80"}) {
    EXPECT_TRUE(address(text, true).starts_with("refused")) << text;
  }
  EXPECT_EQ(address(std::string(63, 'a') + ":80", true), std::string(63, 'a') + ":80");
  EXPECT_TRUE(address(std::string(64, 'a') + ":80", true).starts_with("refused"));
}

TEST(Addresses, are_no_urls) {
  EXPECT_EQ(address("http://app.example/", true), "refused: write app.example:80");
  EXPECT_EQ(address("https://app.example", true), "refused: write app.example:443");
  EXPECT_EQ(address("http://app.example:81", true), "refused: write app.example:81");
}

TEST(Addresses, of_unix_sockets_have_an_absolute_path_that_fits) {
  EXPECT_EQ(address("unix:run/app"), "refused: write unix:/run/app");
  EXPECT_EQ(address("unix:/" + std::string(106, 'a')), "unix:/" + std::string(106, 'a'));
  EXPECT_TRUE(address("unix:/" + std::string(107, 'a')).starts_with("refused"));
  EXPECT_TRUE(address("unix:/").starts_with("refused"));
}

TEST(Networks, have_a_prefix_length) {
  EXPECT_EQ(network("10.0.0.0/8"), "10.0.0.0/8");
  EXPECT_EQ(network("2001:db8::/32"), "2001:db8::/32");
  EXPECT_EQ(network("127.0.0.1"), "127.0.0.1/32");
  EXPECT_EQ(network("::1"), "::1/128");
  EXPECT_EQ(network("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(network("10.0.0.0/32"), "10.0.0.0/32");
  EXPECT_EQ(network("10.0.0.0/33"), "refused: the prefix length is a number from 0 to 32");
  EXPECT_EQ(network("10.0.0.0/"), "refused: the prefix length is a number from 0 to 32");
  EXPECT_EQ(network("10.0.0.0/08"), "refused: the prefix length is a number from 0 to 32");
  EXPECT_EQ(network("10.0.0.1/8"), "refused: write 10.0.0.0/8");
  EXPECT_EQ(network("2001:db8::1/32"), "refused: write 2001:db8::/32");
  EXPECT_TRUE(network("example/8").starts_with("refused"));
}

TEST(Networks, contain_the_addresses_that_share_their_prefix) {
  Network ten;
  ASSERT_FALSE(read_network("10.128.0.0/9", ten));
  const std::uint8_t inside[] = {10, 128, 0, 1};
  const std::uint8_t outside[] = {10, 127, 255, 255};
  const std::uint8_t mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 200, 0, 1};
  const std::uint8_t v6[] = {10, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_TRUE(ten.contains(inside));
  EXPECT_FALSE(ten.contains(outside));
  EXPECT_TRUE(ten.contains(mapped));
  EXPECT_FALSE(ten.contains(v6));
  Network all;
  ASSERT_FALSE(read_network("0.0.0.0/0", all));
  EXPECT_TRUE(all.contains(outside));
  EXPECT_FALSE(all.contains(v6));
}

}  // namespace
}  // namespace weir::config

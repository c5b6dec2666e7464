#include "io/dns/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace weir::dns {
namespace {

std::vector<std::string> servers(std::string_view text) {
  std::vector<std::string> all;
  for (const Address& address : parse_resolv_conf(text).servers) all.push_back(address.text());
  return all;
}

std::vector<std::string> addresses(const Hosts& hosts, std::string_view name) {
  std::vector<std::string> all;
  const auto* found = hosts.find(name);
  if (found == nullptr) return {"unknown"};
  for (const IpAddress& ip : *found) all.push_back(ip.text());
  return all;
}

using Texts = std::vector<std::string>;

TEST(ResolvConf, names_servers_of_both_families) {
  EXPECT_EQ(servers("# made by hand\nnameserver 10.0.0.2\n  nameserver\t2001:db8::53 # v6\n"),
            (Texts{"10.0.0.2:53", "[2001:db8::53]:53"}));
}

TEST(ResolvConf, means_this_machine_when_it_names_no_server) {
  EXPECT_EQ(servers(""), (Texts{"127.0.0.1:53"}));
  EXPECT_EQ(servers("nameserver\nnameserver dns.example\nnameserver fe80::1%eth0\n"),
            (Texts{"127.0.0.1:53"}));
}

TEST(ResolvConf, keeps_eight_servers_at_most) {
  for (std::size_t count : {7u, 8u, 9u}) {
    std::string text;
    for (std::size_t i = 1; i <= count; ++i)
      text += "nameserver 10.0.0." + std::to_string(i) + "\n";
    EXPECT_EQ(servers(text).size(), std::min<std::size_t>(count, 8));
  }
}

TEST(ResolvConf, reads_search_domains_and_the_last_line_wins) {
  ServerConfig config = parse_resolv_conf("domain old.example\nsearch A.example  b.example. .\n");
  EXPECT_EQ(config.search, (Texts{"a.example", "b.example"}));
  EXPECT_EQ(parse_resolv_conf("search a b\ndomain c d\n").search, (Texts{"c"}));
}

TEST(ResolvConf, keeps_sixteen_search_domains_at_most) {
  for (std::size_t count : {15u, 16u, 17u}) {
    std::string text = "search";
    for (std::size_t i = 0; i < count; ++i) text += " d" + std::to_string(i);
    EXPECT_EQ(parse_resolv_conf(text).search.size(), std::min<std::size_t>(count, 16));
  }
}

TEST(ResolvConf, reads_options_within_their_bounds) {
  ServerConfig config =
      parse_resolv_conf("options ndots:5 timeout:3 attempts:4 rotate use-vc edns0 what:1\n");
  EXPECT_EQ(config.ndots, 5u);
  EXPECT_EQ(config.timeout, std::chrono::seconds(3));
  EXPECT_EQ(config.attempts, 4u);
  EXPECT_TRUE(config.rotate);
  EXPECT_TRUE(config.use_tcp);
  config = parse_resolv_conf("options ndots:99 timeout:0 attempts:4294967296\noptions ndots:x\n");
  EXPECT_EQ(config.ndots, 15u);
  EXPECT_EQ(config.timeout, std::chrono::seconds(1));
  EXPECT_EQ(config.attempts, 5u);
}

TEST(ResolvConf, has_defaults) {
  ServerConfig config = parse_resolv_conf("options\nsearch\n\n;x\n");
  EXPECT_EQ(config.ndots, 1u);
  EXPECT_EQ(config.timeout, std::chrono::seconds(2));
  EXPECT_EQ(config.attempts, 2u);
  EXPECT_FALSE(config.rotate);
  EXPECT_FALSE(config.use_tcp);
  EXPECT_TRUE(config.search.empty());
}

TEST(HostsFile, gives_every_name_of_a_line_and_every_line_of_a_name) {
  Hosts hosts = Hosts::parse(
      "127.0.0.1 localhost\n"
      "::1\tlocalhost ip6-localhost # loopback\n"
      "#10.0.0.9 hidden\n"
      "10.0.0.1 App.internal app\r\n"
      "10.0.0.2 app\n"
      "10.0.0.2 app app");
  EXPECT_EQ(addresses(hosts, "localhost"), (Texts{"127.0.0.1", "::1"}));
  EXPECT_EQ(addresses(hosts, "app"), (Texts{"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(addresses(hosts, "app.internal"), (Texts{"10.0.0.1"}));
  EXPECT_EQ(addresses(hosts, "hidden"), (Texts{"unknown"}));
}

TEST(HostsFile, skips_what_is_no_address_or_no_name) {
  Hosts hosts = Hosts::parse("10.0.0.1.2 a\nfe80::1%lo0 b\n10.0.0.3 c/d e\n10.0.0.4\n\n");
  EXPECT_EQ(hosts.size(), 1u);
  EXPECT_EQ(addresses(hosts, "e"), (Texts{"10.0.0.3"}));
}

TEST(HostsFile, keeps_64_addresses_of_a_name_at_most) {
  for (std::size_t count : {63u, 64u, 65u}) {
    std::string text;
    for (std::size_t i = 1; i <= count; ++i) text += "10.0.0." + std::to_string(i) + " app\n";
    EXPECT_EQ(addresses(Hosts::parse(text), "app").size(), std::min<std::size_t>(count, 64));
  }
}

class SettingsFile : public testing::Test {
 protected:
  SettingsFile() {
    char name[] = "/tmp/weir-dns-XXXXXX";
    int file = ::mkstemp(name);
    if (file >= 0) ::close(file);
    path_ = name;
  }
  ~SettingsFile() override { ::unlink(path_.c_str()); }
  void write(std::string_view text) { std::ofstream(path_, std::ios::binary) << text; }
  std::string path_;
};

TEST_F(SettingsFile, is_read_from_the_path_that_is_given) {
  write("10.0.0.1 app\nnameserver 10.0.0.2\n");
  Settings settings = load_settings(path_, path_);
  EXPECT_EQ(addresses(settings.hosts, "app"), (Texts{"10.0.0.1"}));
  EXPECT_EQ(settings.servers.servers[0].text(), "10.0.0.2:53");
}

TEST_F(SettingsFile, counts_as_empty_when_it_is_missing) {
  Settings settings = load_settings("/nonexistent/resolv.conf", "/nonexistent/hosts");
  EXPECT_EQ(settings.hosts.size(), 0u);
  EXPECT_EQ(settings.servers.servers[0].text(), "127.0.0.1:53");
}

TEST_F(SettingsFile, is_cut_at_the_last_whole_line_of_the_first_mebibyte) {
  std::string text = "10.0.0.1 first\n";
  text += "#" + std::string(1024 * 1024 - text.size() - 10, 'x') + "\n10.0.0.23 last\n";
  write(text);
  Settings settings = load_settings("", path_);
  EXPECT_EQ(settings.hosts.size(), 1u);
}

}  // namespace
}  // namespace weir::dns

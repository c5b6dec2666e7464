#include "io/first_bytes.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

struct Case {
  std::string bytes;
  FirstBytes protocol;
};

const Case kCases[] = {
    {"GET / HTTP/1.1\r\n", FirstBytes::http},
    {"PRI * HTTP/2.0\r\n", FirstBytes::http},
    {"BASELINE-CONTROL", FirstBytes::other},
    {"VERSIONCONTROLXX ", FirstBytes::http},
    {"VERSIONCONTROLXXX ", FirstBytes::other},
    {"EH LO", FirstBytes::other},
    {"get / HTTP/1.1", FirstBytes::other},
    {"SSH-2.0-OpenSSH_9.2\r\n", FirstBytes::ssh},
    {"SSL ", FirstBytes::http},
    {std::string("\x16\x03\x01\x00", 4), FirstBytes::tls},
    {"\x16\x04", FirstBytes::other},
    {std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8), FirstBytes::postgres},
    {std::string("\0\0\0\x08\x04\xd2\x16\x30", 8), FirstBytes::postgres},
    {std::string("\0\0\0\x10\x04\xd2\x16\x2e", 8), FirstBytes::postgres},
    {std::string("\0\0\0\x52\0\x03\0\0user", 12), FirstBytes::postgres},
    {std::string("\0\0\0\x52\0\x03\0\x02", 8), FirstBytes::postgres},
    {std::string("\0\0\0\x52\0\x04\0\0", 8), FirstBytes::other},
    {std::string("\0\x01\0\0", 4), FirstBytes::other},
    {std::string("\0\0\x28", 3), FirstBytes::other},
    {"*1\r\n$4\r\nPING\r\n", FirstBytes::other},
    {"\x7f", FirstBytes::other},
};

TEST(FirstBytes, tell_protocols_apart) {
  for (const Case& each : kCases) {
    EXPECT_EQ(tell_protocol(each.bytes), each.protocol) << each.bytes;
  }
}

TEST(FirstBytes, of_any_part_tell_nothing_or_the_same) {
  EXPECT_EQ(tell_protocol(""), std::nullopt);
  for (const Case& each : kCases) {
    for (std::size_t i = 0; i < each.bytes.size(); ++i) {
      auto told = tell_protocol(std::string_view(each.bytes).substr(0, i));
      if (told) EXPECT_EQ(*told, each.protocol) << each.bytes << ' ' << i;
    }
  }
}

TEST(FirstBytes, decide_after_17_bytes_at_the_latest) {
  for (const std::string& bytes : {std::string(17, 'A'), std::string(17, '\0')}) {
    EXPECT_TRUE(tell_protocol(bytes));
  }
}

}  // namespace
}  // namespace weir

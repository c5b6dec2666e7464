#include "io/proxy_protocol.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kMostTlvs = kMaxProxyHeader - 16 - 12;

std::string v2(std::uint8_t command, std::uint8_t family, const std::string& rest) {
  std::string bytes(kSignature);
  bytes += static_cast<char>(command);
  bytes += static_cast<char>(family);
  bytes += static_cast<char>(rest.size() >> 8);
  bytes += static_cast<char>(rest.size() & 0xff);
  return bytes + rest;
}

/// 192.0.2.1:1000 to 192.0.2.2:443.
const std::string kFour("\xc0\x00\x02\x01\xc0\x00\x02\x02\x03\xe8\x01\xbb", 12);

std::string tlv(std::uint8_t type, std::string_view value) {
  std::string bytes(1, static_cast<char>(type));
  bytes += static_cast<char>(value.size() >> 8);
  bytes += static_cast<char>(value.size() & 0xff);
  return bytes.append(value);
}

std::string reason(std::string_view bytes) {
  ProxyHeader header;
  Result<std::size_t> length = parse_proxy_header(bytes, header);
  if (length) return *length == 0 ? "incomplete" : "accepted";
  EXPECT_EQ(length.error().code, ErrorCode::parse);
  EXPECT_EQ(length.error().origin, Origin::client);
  return std::string(length.error().detail);
}

TEST(ProxyProtocol, version_1_tells_both_addresses_and_where_the_bytes_begin) {
  ProxyHeader header;
  std::string_view text = "PROXY TCP4 192.0.2.1 198.51.100.2 1000 443\r\nGET /";
  Result<std::size_t> length = parse_proxy_header(text, header);
  ASSERT_TRUE(length);
  EXPECT_EQ(text.substr(*length), "GET /");
  EXPECT_FALSE(header.own);
  EXPECT_EQ(header.source.text(), "192.0.2.1:1000");
  EXPECT_EQ(header.destination.text(), "198.51.100.2:443");
  ASSERT_TRUE(parse_proxy_header("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n", header));
  EXPECT_EQ(header.source.text(), "[2001:db8::1]:0");
  EXPECT_EQ(header.destination.text(), "[2001:db8::2]:65535");
}

TEST(ProxyProtocol, version_1_without_addresses_leaves_those_of_the_connection) {
  for (std::string_view text : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN what ever 1 2 3\r\n"}) {
    ProxyHeader header;
    EXPECT_EQ(parse_proxy_header(text, header), text.size());
    EXPECT_TRUE(header.own);
  }
}

TEST(ProxyProtocol, version_1_is_accepted_exactly_or_refused_with_the_reason) {
  std::string_view family = "PROXY: neither TCP4, TCP6 nor UNKNOWN";
  std::string_view count = "PROXY: not two addresses and two ports";
  std::string_view address = "PROXY: not an address of its family";
  std::string_view port = "PROXY: not a port";
  EXPECT_EQ(reason("PROXY TCP 192.0.2.1 192.0.2.2 1 2\r\n"), family);
  EXPECT_EQ(reason("PROXY UNKNOWNS\r\n"), family);
  EXPECT_EQ(reason("PROXY \r\n"), family);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), count);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), count);
  EXPECT_EQ(reason("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), count);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 2001:db8::1 1 2\r\n"), address);
  EXPECT_EQ(reason("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"), address);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"), address);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n"), address);
  EXPECT_EQ(reason("PROXY TCP6 [2001:db8::1] ::1 1 2\r\n"), address);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n"), port);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"), port);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n"), port);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n"), port);
  EXPECT_EQ(reason("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"),
            "PROXY: the line does not end with CRLF");
}

TEST(ProxyProtocol, version_1_has_107_bytes_at_most) {
  auto padded = [](std::size_t size) {
    std::string text = "PROXY UNKNOWN ";
    text.append(size - text.size() - 2, 'x');
    return text + "\r\n";
  };
  EXPECT_EQ(reason(padded(106)), "accepted");
  EXPECT_EQ(reason(padded(107)), "accepted");
  EXPECT_EQ(reason(padded(108)), "PROXY: the line is longer than 107 bytes");
  EXPECT_EQ(reason(padded(200).substr(0, 106)), "incomplete");
}

TEST(ProxyProtocol, version_2_tells_addresses_and_values) {
  ProxyHeader header;
  std::string bytes = v2(
      0x21, 0x11, kFour + tlv(ProxyTlv::authority, "a.example") + tlv(0xe0, "") + tlv(0xe0, "x"));
  std::string received = bytes + "more";  // the values stay in it
  ASSERT_EQ(parse_proxy_header(received, header), bytes.size());
  EXPECT_EQ(header.source.text(), "192.0.2.1:1000");
  EXPECT_EQ(header.destination.text(), "192.0.2.2:443");
  EXPECT_EQ(header.tlv(ProxyTlv::authority), "a.example");
  EXPECT_EQ(header.tlv(0xe0), "");
  EXPECT_EQ(header.tlv(ProxyTlv::alpn), std::nullopt);
}

TEST(ProxyProtocol, version_2_of_a_proxy_that_speaks_for_itself_leaves_the_addresses) {
  for (const std::string& bytes : {v2(0x20, 0x00, ""), v2(0x20, 0x11, kFour), v2(0x20, 0x21, "??"),
                                   v2(0x21, 0x00, ""), v2(0x21, 0x10, "any")}) {
    ProxyHeader header;
    EXPECT_EQ(parse_proxy_header(bytes, header), bytes.size());
    EXPECT_TRUE(header.own);
  }
}

TEST(ProxyProtocol, a_client_in_an_ipv4_mapped_address_is_known_by_its_own) {
  ProxyHeader header;
  ASSERT_TRUE(parse_proxy_header("PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 1 2\r\n", header));
  EXPECT_EQ(header.source.text(), "192.0.2.1:1");
}

TEST(ProxyProtocol, version_2_is_accepted_exactly_or_refused_with_the_reason) {
  EXPECT_EQ(reason(v2(0x31, 0x11, kFour)), "PROXY: not a command of version 2");
  EXPECT_EQ(reason(v2(0x11, 0x11, kFour)), "PROXY: not a command of version 2");
  EXPECT_EQ(reason(v2(0x22, 0x11, kFour)), "PROXY: not a command of version 2");
  EXPECT_EQ(reason(v2(0x21, 0x41, kFour)), "PROXY: not an address family");
  EXPECT_EQ(reason(v2(0x21, 0x13, kFour)), "PROXY: not an address family");
  EXPECT_EQ(reason(v2(0x21, 0x11, kFour.substr(1))), "PROXY: too short for its addresses");
  EXPECT_EQ(reason(v2(0x21, 0x21, kFour)), "PROXY: too short for its addresses");
  std::string long_tlv = "PROXY: a TLV is longer than its header";
  EXPECT_EQ(reason(v2(0x21, 0x11, kFour + "ab")), long_tlv);
  EXPECT_EQ(reason(v2(0x21, 0x11, kFour + tlv(4, "abc").substr(0, 5))), long_tlv);
  EXPECT_EQ(reason(v2(0x21, 0x11, kFour + tlv(ProxyTlv::crc32c, "abc"))),
            "PROXY: a checksum has not 4 bytes");
  EXPECT_EQ(reason(v2(0x21, 0x11, kFour + tlv(ProxyTlv::unique_id, std::string(128, 'i')))),
            "accepted");
  EXPECT_EQ(reason(v2(0x21, 0x11, kFour + tlv(ProxyTlv::unique_id, std::string(129, 'i')))),
            "PROXY: a unique ID is longer than 128 bytes");
}

TEST(ProxyProtocol, version_2_has_4096_bytes_behind_its_first_16_at_most) {
  auto filled = [](std::size_t tlvs) {
    return v2(0x21, 0x11, kFour + tlv(ProxyTlv::no_op, std::string(tlvs - 3, '\0')));
  };
  EXPECT_EQ(reason(filled(kMostTlvs - 1)), "accepted");
  EXPECT_EQ(reason(filled(kMostTlvs)), "accepted");
  EXPECT_EQ(reason(filled(kMostTlvs + 1)).substr(0, 27), "PROXY: the header is longer");
  EXPECT_EQ(reason(filled(kMostTlvs + 1).substr(0, 16)).substr(0, 27),
            "PROXY: the header is longer")
      << "before its bytes have come";
}

// The checksum was made with another implementation of CRC-32C.
TEST(ProxyProtocol, a_checksum_is_verified) {
  std::string checked = v2(0x21, 0x11, kFour + tlv(ProxyTlv::crc32c, std::string(4, '\0')));
  std::string good = checked;
  good.replace(good.size() - 4, 4, "\x65\xd4\x5c\xa7");
  EXPECT_EQ(reason(good), "accepted");
  for (std::size_t i = 16; i < good.size() - 7; ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(reason(damaged), "PROXY: the checksum does not match");
  }
}

TEST(ProxyProtocol, what_is_no_header_is_known_by_its_first_wrong_byte) {
  std::string_view none = "PROXY: the connection does not begin with a header";
  EXPECT_EQ(reason("G"), none);
  EXPECT_EQ(reason("PROXx"), none);
  EXPECT_EQ(reason("\r\n\r\r"), none);
  EXPECT_EQ(reason("\x16\x03\x01"), none);
  EXPECT_EQ(reason(v2(0x25, 0, "").substr(0, 13)), "PROXY: not a command of version 2");
}

TEST(ProxyProtocol, every_part_of_a_header_is_incomplete) {
  for (const std::string& whole :
       {std::string("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), v2(0x21, 0x11, kFour),
        v2(0x21, 0x31, std::string(216, 'p')), v2(0x20, 0, "ab")}) {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(reason(std::string_view(whole).substr(0, i)), "incomplete");
    }
    EXPECT_EQ(reason(whole), "accepted");
  }
}

TEST(ProxyProtocol, what_is_written_reads_back) {
  struct Case {
    std::string_view source, destination;
  };
  for (Case each : {Case{"192.0.2.1:1", "192.0.2.2:2"}, Case{"[2001:db8::1]:1", "[::1]:65535"},
                    Case{"192.0.2.1:1", "[2001:db8::2]:2"}}) {
    Address source = *Address::parse(each.source);
    Address destination = *Address::parse(each.destination);
    for (auto version : {ProxyProtocolVersion::v1, ProxyProtocolVersion::v2}) {
      ProxyTlv alpn{ProxyTlv::alpn, "h2"};
      std::string bytes = write_proxy_header(version, source, destination, {&alpn, 1});
      ProxyHeader header;
      ASSERT_EQ(parse_proxy_header(bytes, header), bytes.size()) << bytes;
      EXPECT_EQ(header.source, source);
      EXPECT_EQ(header.destination, destination);
      if (version == ProxyProtocolVersion::v2) EXPECT_EQ(header.tlv(ProxyTlv::alpn), "h2");
    }
  }
  Address path = Address::unix_socket("/run/a");
  ProxyHeader header;
  std::string bytes = write_proxy_header(ProxyProtocolVersion::v2, path, path);
  ASSERT_EQ(parse_proxy_header(bytes, header), bytes.size());
  EXPECT_EQ(header.source.path(), "/run/a");
}

TEST(ProxyProtocol, a_client_without_an_address_is_written_as_unknown) {
  Address path = Address::unix_socket("/run/a");
  Address ip = *Address::parse("192.0.2.1:1");
  EXPECT_EQ(write_proxy_header(ProxyProtocolVersion::v1, path, ip), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(write_proxy_header(ProxyProtocolVersion::v2, Address(), ip), v2(0x21, 0, ""));
}

TEST(ProxyProtocol, a_value_that_does_not_fit_is_left_out) {
  Address ip = *Address::parse("192.0.2.1:1");
  std::string large(kMaxProxyHeader, 'x');
  std::vector<ProxyTlv> tlvs = {{0xe0, large}, {ProxyTlv::authority, "a"}};
  ProxyHeader header;
  std::string bytes = write_proxy_header(ProxyProtocolVersion::v2, ip, ip, tlvs);
  ASSERT_EQ(parse_proxy_header(bytes, header), bytes.size());
  EXPECT_EQ(header.tlv(ProxyTlv::authority), "a");
}

}  // namespace
}  // namespace weir

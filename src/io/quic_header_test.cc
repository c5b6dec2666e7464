#include "io/quic_header.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

using namespace std::string_literals;

std::string with_ids(std::size_t destination, std::size_t source, std::string start) {
  return start + static_cast<char>(destination) + std::string(destination, 'd') +
         static_cast<char>(source) + std::string(source, 's') + "payload";
}

const std::string kInitial = "\xc3\x00\x00\x00\x01"s;

TEST(QuicHeader, reads_both_ids_of_a_long_header) {
  std::string datagram = with_ids(8, 5, kInitial);
  auto header = read_quic_header(datagram);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->long_form);
  EXPECT_EQ(header->version, QuicHeader::kVersion1);
  EXPECT_EQ(header->destination, "dddddddd");
  EXPECT_EQ(header->source, "sssss");
}

TEST(QuicHeader, ids_may_be_empty) {
  std::string datagram = with_ids(0, 0, kInitial);
  auto header = read_quic_header(datagram);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->destination, "");
  EXPECT_EQ(header->source, "");
}

TEST(QuicHeader, ids_have_twenty_bytes_at_most_in_versions_that_are_known) {
  for (std::string start : {kInitial, "\xc3\x6b\x33\x43\xcf"s}) {
    EXPECT_TRUE(read_quic_header(with_ids(19, 19, start)));
    EXPECT_TRUE(read_quic_header(with_ids(20, 20, start)));
    EXPECT_FALSE(read_quic_header(with_ids(21, 8, start)));
    EXPECT_FALSE(read_quic_header(with_ids(8, 21, start)));
  }
  EXPECT_TRUE(read_quic_header(with_ids(255, 255, "\xc3\x1a\x1a\x1a\x1a"s)));
}

TEST(QuicHeader, the_fixed_bit_belongs_to_versions_that_are_known) {
  EXPECT_FALSE(read_quic_header(with_ids(8, 8, "\x83\x00\x00\x00\x01"s)));
  EXPECT_TRUE(read_quic_header(with_ids(8, 8, "\x83\x00\x00\x00\x00"s)));  // version negotiation
}

TEST(QuicHeader, of_a_short_header_the_length_of_the_id_is_not_told) {
  auto header = read_quic_header(
      "\x41"
      "abcdefgh and the packet");
  ASSERT_TRUE(header);
  EXPECT_FALSE(header->long_form);
  EXPECT_EQ(header->destination, "abcdefgh and the packet");
}

TEST(QuicHeader, no_part_of_a_header_is_one) {
  std::string whole = with_ids(8, 5, kInitial);
  for (std::size_t size = 0; size < 5 + 1 + 8 + 1 + 5; ++size) {
    EXPECT_FALSE(read_quic_header(std::string_view(whole).substr(0, size))) << size;
  }
}

}  // namespace
}  // namespace weir

#include "http/ranges.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

// "first-last" of each part, or what else is said.
std::string parsed(std::string_view value, std::uint64_t length) {
  ByteRanges ranges;
  switch (ranges.parse(value, length)) {
    case RangeAnswer::whole: return "whole";
    case RangeAnswer::unsatisfiable: return "unsatisfiable";
    case RangeAnswer::parts: break;
  }
  std::string text;
  for (const ByteRange& each : ranges.parts()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(each.first) + "-" + std::to_string(each.last());
  }
  return text;
}

TEST(ByteRanges, are_positions_or_the_end_of_a_file) {
  EXPECT_EQ(parsed("bytes=0-0", 10), "0-0");
  EXPECT_EQ(parsed("bytes=2-5", 10), "2-5");
  EXPECT_EQ(parsed("bytes=2-", 10), "2-9");
  EXPECT_EQ(parsed("bytes=-3", 10), "7-9");
  EXPECT_EQ(parsed("bytes=-30", 10), "0-9");
  EXPECT_EQ(parsed("bytes=9-99", 10), "9-9");
  EXPECT_EQ(parsed("Bytes= 2-5 ", 10), "2-5");
}

TEST(ByteRanges, several_keep_the_order_of_the_client) {
  EXPECT_EQ(parsed("bytes=6-7, 0-1,,-1", 10), "6-7 0-1 9-9");
}

TEST(ByteRanges, that_overlap_or_touch_are_joined) {
  EXPECT_EQ(parsed("bytes=4-7,0-5", 10), "0-7");
  EXPECT_EQ(parsed("bytes=5-7,0-4", 10), "0-7");
  EXPECT_EQ(parsed("bytes=0-,0-,0-", 10), "0-9");
  EXPECT_EQ(parsed("bytes=8-9,0-5,1-2", 10), "0-5 8-9");
}

TEST(ByteRanges, outside_of_the_file_are_left_out) {
  EXPECT_EQ(parsed("bytes=10-", 10), "unsatisfiable");
  EXPECT_EQ(parsed("bytes=-0", 10), "unsatisfiable");
  EXPECT_EQ(parsed("bytes=10-11,12-13", 10), "unsatisfiable");
  EXPECT_EQ(parsed("bytes=10-11,0-1", 10), "0-1");
  EXPECT_EQ(parsed("bytes=0-", 0), "unsatisfiable");
  EXPECT_EQ(parsed("bytes=-1", 0), "whole");
}

TEST(ByteRanges, what_is_no_range_is_not_looked_at) {
  for (std::string_view bad : {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1",
                               "bytes=5-2", "bytes=1-2,x", "bytes=--1", "bytes=1-2-3", "bytes=+1-2",
                               "bytes =1-2", "lines=1-2", "bytes=0x1-2", "bytes=1.0-2"}) {
    EXPECT_EQ(parsed(bad, 10), "whole") << bad;
  }
}

// ATTACKS 45: nginx CVE-2017-7529, whose sums overflowed.
TEST(ByteRanges, attack_45_positions_beyond_64_bits_do_not_wrap) {
  EXPECT_EQ(parsed("bytes=0-18446744073709551615", 10), "0-9");
  EXPECT_EQ(parsed("bytes=0-99999999999999999999999", 10), "0-9");
  EXPECT_EQ(parsed("bytes=18446744073709551616-18446744073709551617", 10), "unsatisfiable");
  EXPECT_EQ(parsed("bytes=-18446744073709551615", 10), "0-9");
  EXPECT_EQ(parsed("bytes=-9223372036854775806,-17208", 17407), "0-17406");
  std::uint64_t most = 18446744073709551615u;
  EXPECT_EQ(parsed("bytes=18446744073709551614-", most),
            "18446744073709551614-18446744073709551614");
  EXPECT_EQ(parsed("bytes=0-,1-", most), "0-18446744073709551614");
}

TEST(ByteRanges, attack_45_of_too_many_none_counts) {
  auto many = [](std::size_t count) {
    std::string value = "bytes=";
    for (std::size_t i = 0; i < count; ++i)
      value += std::to_string(2 * i) + "-" + std::to_string(2 * i) + ",";
    return value;
  };
  EXPECT_EQ(parsed(many(ByteRanges::kMost - 1), 1000).find("whole"), std::string::npos);
  EXPECT_EQ(parsed(many(ByteRanges::kMost), 1000).find("whole"), std::string::npos);
  EXPECT_EQ(parsed(many(ByteRanges::kMost + 1), 1000), "whole");
}

TEST(ContentRange, says_which_part_of_how_much) {
  auto range = parse_content_range("bytes 10-19/30");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->part.first, 10u);
  EXPECT_EQ(range->part.size, 10u);
  EXPECT_EQ(range->length, 30u);
  EXPECT_TRUE(parse_content_range("BYTES 0-0/1"));
}

TEST(ContentRange, is_nothing_where_it_is_wrong_or_open) {
  for (const char* wrong :
       {"", "bytes", "bytes */30", "bytes 0-9/*", "bytes 9-0/30", "bytes 0-30/30", "lines 0-9/30",
        "bytes 0-9", "bytes=0-9/30", "bytes 0-9/30x", "bytes -9/30", "bytes 0-/30", "bytes a-9/30",
        "bytes 0-9/18446744073709551616", "bytes 18446744073709551615-18446744073709551616/9"}) {
    EXPECT_FALSE(parse_content_range(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace weir

#include "config/values.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

using namespace std::chrono_literals;

// The value in its canonical form, or else `code: help`.
template <class T>
std::string reading(std::string_view text) {
  T value{};
  const ScalarType& type = *type_of<T>().scalar;
  const auto problem = type.read({text, true}, Rules{}, &value);
  if (problem) return to_string(problem->code) + ": " + problem->help;
  return type.write(&value);
}

TEST(Durations, have_a_whole_number_and_a_unit) {
  EXPECT_EQ(reading<Duration>("500ms"), "500ms");
  EXPECT_EQ(reading<Duration>("60s"), "1m");
  EXPECT_EQ(reading<Duration>("90s"), "90s");
  EXPECT_EQ(reading<Duration>("1h30m"), "90m");
  EXPECT_EQ(reading<Duration>("7d"), "7d");
  EXPECT_EQ(reading<Duration>("1ns"), "1ns");
  EXPECT_EQ(reading<Duration>("1500us"), "1500us");
  EXPECT_EQ(reading<Duration>("0s"), "0s");
  Duration value{};
  EXPECT_FALSE(read_duration("1h30m", value));
  EXPECT_EQ(value, 90min);
}

TEST(Durations, without_a_unit_are_refused_with_a_suggestion) {
  EXPECT_EQ(reading<Duration>("30"), "W1305: write 30s for seconds, or 30ms for milliseconds");
  EXPECT_EQ(reading<Duration>("0"), "W1305: write 0s for seconds, or 0ms for milliseconds");
}

TEST(Durations, in_other_spellings_are_refused_with_the_right_one) {
  EXPECT_EQ(reading<Duration>("30sec"), "W1305: write 30s");
  EXPECT_EQ(reading<Duration>("5 minutes"), "W1305: write 5m");
  EXPECT_EQ(reading<Duration>("5 m"), "W1305: write 5m");
  EXPECT_EQ(reading<Duration>("1.5s"), "W1305: write 1500ms");
  EXPECT_EQ(reading<Duration>("0.5h"), "W1305: write 30m");
}

TEST(Durations, that_make_no_sense_are_refused) {
  for (std::string_view text :
       {"", "s", "-5s", "+5s", "5s5s", "5s1h", "5x", "1e3s", " 5s", "5s "}) {
    EXPECT_TRUE(reading<Duration>(text).starts_with("W1305")) << text;
  }
}

TEST(Durations, reach_to_the_end_of_63_bits_of_nanoseconds) {
  EXPECT_EQ(reading<Duration>("9223372036854775807ns"), "9223372036854775807ns");
  EXPECT_TRUE(reading<Duration>("9223372036854775808ns").starts_with("W1302"));
  EXPECT_EQ(reading<Duration>("106751d"), "106751d");
  EXPECT_TRUE(reading<Duration>("106752d").starts_with("W1302"));
  EXPECT_TRUE(reading<Duration>("106751d24h").starts_with("W1302"));
  EXPECT_TRUE(reading<Duration>("99999999999999999999s").starts_with("W1302"));
}

TEST(Sizes, have_a_whole_number_and_a_unit) {
  EXPECT_EQ(reading<ByteSize>("512B"), "512B");
  EXPECT_EQ(reading<ByteSize>("1024B"), "1KiB");
  EXPECT_EQ(reading<ByteSize>("64KiB"), "64KiB");
  EXPECT_EQ(reading<ByteSize>("10MB"), "10MB");
  EXPECT_EQ(reading<ByteSize>("2GiB"), "2GiB");
  EXPECT_EQ(reading<ByteSize>("0B"), "0B");
  ByteSize value;
  EXPECT_FALSE(read_byte_size("3KB", value));
  EXPECT_EQ(value.bytes, 3000u);
}

TEST(Sizes, in_other_spellings_are_refused_with_the_right_one) {
  EXPECT_EQ(reading<ByteSize>("4096"), "W1306: write 4096B for bytes, or 4096KiB");
  EXPECT_EQ(reading<ByteSize>("64k"), "W1306: write 64KiB");
  EXPECT_EQ(reading<ByteSize>("64kb"), "W1306: write 64KB");
  EXPECT_EQ(reading<ByteSize>("64 KiB"), "W1306: write 64KiB");
  EXPECT_EQ(reading<ByteSize>("1.5MiB"), "W1306: write 1536KiB");
  EXPECT_TRUE(reading<ByteSize>("-1B").starts_with("W1306"));
  EXPECT_TRUE(reading<ByteSize>("").starts_with("W1306"));
}

TEST(Sizes, reach_up_to_2_to_the_53) {
  EXPECT_EQ(reading<ByteSize>("8192TiB"), "8192TiB");
  EXPECT_TRUE(reading<ByteSize>("8193TiB").starts_with("W1302"));
}

TEST(Rates, are_a_number_per_unit_of_time) {
  EXPECT_EQ(reading<Rate>("100/s"), "100/s");
  EXPECT_EQ(reading<Rate>("5/m"), "5/m");
  EXPECT_EQ(reading<Rate>("1/d"), "1/d");
  EXPECT_EQ(reading<Rate>("100"), "W1307: write 100/s for each second");
  EXPECT_EQ(reading<Rate>("5/min"), "W1307: write 5/m");
  EXPECT_TRUE(reading<Rate>("5/ms").starts_with("W1307"));
  EXPECT_TRUE(reading<Rate>("/s").starts_with("W1307"));
  EXPECT_TRUE(reading<Rate>("5/").starts_with("W1307"));
}

}  // namespace
}  // namespace weir::config

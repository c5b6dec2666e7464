#include "config/values.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

using namespace std::chrono_literals;

// The value in its canonical form, or else `code: help`.
template <class T>
std::string reading(std::string_view text, bool plain = true, const Rules& rules = {}) {
  T value{};
  const ScalarType& type = *type_of<T>().scalar;
  const auto problem = type.read({text, plain}, rules, &value);
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

TEST(Booleans, are_true_and_false_alone) {
  EXPECT_EQ(reading<bool>("true"), "true");
  EXPECT_EQ(reading<bool>("false"), "false");
  EXPECT_EQ(reading<bool>("yes"), "W1303: write true");
  EXPECT_EQ(reading<bool>("Off"), "W1303: write false");
  EXPECT_EQ(reading<bool>("TRUE"), "W1303: write true");
  EXPECT_EQ(reading<bool>("true", false), "W1303: write true, without quotes");
  EXPECT_EQ(reading<bool>("maybe"), "W1303: write true or false");
}

TEST(Integers, are_decimal_digits) {
  EXPECT_EQ(reading<int>("0"), "0");
  EXPECT_EQ(reading<int>("-7"), "-7");
  EXPECT_EQ(reading<int>("8080", false), "W1301: write 8080 without quotes");
  EXPECT_EQ(reading<int>("0x1F"), "W1301: write 31");
  EXPECT_EQ(reading<int>("0644"), "W1301: write 644 as a decimal number");
  EXPECT_EQ(reading<int>("00"), "W1301: write 0 as a decimal number");
  EXPECT_EQ(reading<int>("1_000"), "W1301: write 1000");
  EXPECT_EQ(reading<int>("+5"), "W1301: write 5");
  EXPECT_EQ(reading<int>("5.0"), "W1301: write decimal digits only, without a unit");
  EXPECT_EQ(reading<int>("30s"), "W1301: write decimal digits only, without a unit");
  EXPECT_EQ(reading<int>("many"), "W1301: ");
  EXPECT_EQ(reading<int>("-"), "W1301: ");
}

TEST(Integers, stay_within_their_type_and_range) {
  EXPECT_EQ(reading<std::uint16_t>("65535"), "65535");
  EXPECT_EQ(reading<std::uint16_t>("65536"), "W1302: between 0 and 65535");
  EXPECT_EQ(reading<std::uint16_t>("-1"), "W1302: between 0 and 65535");
  EXPECT_EQ(reading<int>("-2147483648"), "-2147483648");
  EXPECT_EQ(reading<int>("2147483648"), "W1302: between -2147483648 and 2147483647");
  EXPECT_EQ(reading<std::uint32_t>("99999999999999999999"), "W1302: between 0 and 4294967295");
  EXPECT_EQ(reading<std::uint64_t>("9007199254740992"), "9007199254740992");
  EXPECT_TRUE(reading<std::uint64_t>("9007199254740994").starts_with("W1302"));
  Rules rules;
  range(200, 599)(rules);
  EXPECT_EQ(reading<int>("200", true, rules), "200");
  EXPECT_EQ(reading<int>("199", true, rules), "W1302: between 200 and 599");
  EXPECT_EQ(reading<int>("599", true, rules), "599");
  EXPECT_EQ(reading<int>("600", true, rules), "W1302: between 200 and 599");
}

TEST(Numbers, are_finite_decimals) {
  EXPECT_EQ(reading<double>("0.5"), "0.5");
  EXPECT_EQ(reading<double>("-2"), "-2");
  EXPECT_EQ(reading<double>("1e3"), "1000");
  for (std::string_view text : {"", "nan", "inf", ".5", "1.5x", "1e999", "-inf"}) {
    EXPECT_TRUE(reading<double>(text).starts_with("W1311")) << text;
  }
}

}  // namespace
}  // namespace weir::config

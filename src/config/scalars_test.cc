#include <gtest/gtest.h>

#include "config/schema.h"

namespace weir::config {
namespace {

// The value in its canonical form, or else `code: help`.
template <class T>
std::string reading(std::string_view text, bool plain = true, const Rules& rules = {}) {
  T value{};
  const ScalarType& type = *type_of<T>().scalar;
  const auto problem = type.read({text, plain}, rules, &value);
  if (problem) return to_string(problem->code) + ": " + problem->help;
  return type.write(&value);
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

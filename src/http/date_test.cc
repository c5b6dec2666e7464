#include "http/date.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

constexpr std::int64_t kExample = 784111777;  // the date of RFC 9110, 5.6.7

std::string written(std::int64_t seconds) {
  char out[kHttpDateSize];
  write_http_date(seconds, out);
  return std::string(out, sizeof(out));
}

TEST(HttpDate, is_written_as_imf_fixdate) {
  EXPECT_EQ(written(kExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(written(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(written(951827696), "Tue, 29 Feb 2000 12:34:56 GMT");
  EXPECT_EQ(written(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST(HttpDate, is_clamped_to_four_digit_years) {
  EXPECT_EQ(written(-1), written(0));
  EXPECT_EQ(written(253402300800), written(253402300799));
}

TEST(HttpDate, is_read_in_all_three_forms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kExample), kExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kExample);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994"), kExample + 10 * 86400);
}

TEST(HttpDate, round_trips) {
  for (std::int64_t t = 0; t < 253402300799; t += 86400 * 37 + 4321) {
    EXPECT_EQ(parse_http_date(written(t)), t);
  }
}

TEST(HttpDate, two_digit_years_more_than_fifty_ahead_are_past) {
  std::int64_t in_2026 = 1782000000;
  EXPECT_EQ(written(*parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", in_2026)).substr(12, 4),
            "1994");
  EXPECT_EQ(written(*parse_http_date("Friday, 06-Nov-76 08:49:37 GMT", in_2026)).substr(12, 4),
            "2076");
  EXPECT_EQ(written(*parse_http_date("Sunday, 06-Nov-77 08:49:37 GMT", in_2026)).substr(12, 4),
            "1977");
}

TEST(HttpDate, a_leap_second_is_read) {
  EXPECT_EQ(parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
}

TEST(HttpDate, anything_else_is_refused) {
  for (std::string_view text : {"",
                                "0",
                                "Sun, 06 Nov 1994 08:49:37",
                                "Sun, 06 Nov 1994 08:49:37 UTC",
                                "sun, 06 nov 1994 08:49:37 gmt",
                                "Sun, 6 Nov 1994 08:49:37 GMT",
                                "Sun, 06 Nov 94 08:49:37 GMT",
                                "Mon, 06 Nov 1994 08:49:37 GMT",
                                "Sun, 31 Nov 1994 08:49:37 GMT",
                                "Tue, 29 Feb 2001 00:00:00 GMT",
                                "Sun, 06 Nov 1994 24:49:37 GMT",
                                "Sun, 06 Nov 1994 08:60:37 GMT",
                                "Sun, 06 Nov 1994 08:49:61 GMT",
                                "Sun, 06 Nov 1994 08:49:37 GMT ",
                                " Sun, 06 Nov 1994 08:49:37 GMT",
                                "Sun, 00 Nov 1994 08:49:37 GMT",
                                "Sun, 06 Foo 1994 08:49:37 GMT",
                                "Sun, 06 Nov 1994 08:49:3x GMT",
                                "Sun Nov 6 08:49:37 1994",
                                "Sun Nov 006 08:49:37 1994",
                                "Someday, 06-Nov-94 08:49:37 GMT",
                                "Sunday, 32-Nov-94 08:49:37 GMT"}) {
    EXPECT_FALSE(parse_http_date(text, kExample)) << text;
  }
}

}  // namespace
}  // namespace weir

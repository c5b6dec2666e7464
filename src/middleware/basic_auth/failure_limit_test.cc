#include "middleware/basic_auth/failure_limit.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr FailureLimit::Terms kTerms{10, 1min};

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

class FailureLimitTest : public ::testing::Test {
 protected:
  bool attempt(const char* client, bool failed) {
    if (limit_.begin(ip(client), kTerms, now_)) return false;
    limit_.end(ip(client), kTerms, failed, now_);
    return true;
  }
  int failures_in_a_row(const char* client) {
    int count = 0;
    while (count < 100 && attempt(client, true)) ++count;
    return count;
  }

  FailureLimit limit_;
  TimePoint now_ = TimePoint(1h);
};

TEST_F(FailureLimitTest, lets_a_client_be_wrong_so_often) {
  EXPECT_EQ(failures_in_a_row("192.0.2.7"), 10);
  EXPECT_TRUE(attempt("192.0.2.8", true));
  EXPECT_EQ(limit_.begin(ip("192.0.2.7"), kTerms, now_), Duration(6s));
  now_ += 6s - 1ns;
  EXPECT_FALSE(attempt("192.0.2.7", true));
  now_ += 1ns;
  EXPECT_EQ(failures_in_a_row("192.0.2.7"), 1);
  now_ += 1min;
  EXPECT_EQ(failures_in_a_row("192.0.2.7"), 10);
}

TEST_F(FailureLimitTest, does_not_count_what_was_right) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(attempt("192.0.2.7", false));
  EXPECT_EQ(failures_in_a_row("192.0.2.7"), 10);
}

TEST_F(FailureLimitTest, takes_the_addresses_of_one_subscriber_for_one_client) {
  EXPECT_EQ(failures_in_a_row("2001:db8:0:1::1"), 10);
  EXPECT_FALSE(attempt("2001:db8:0:1:ffff::1", true));
  EXPECT_TRUE(attempt("2001:db8:0:2::1", true));
}

TEST_F(FailureLimitTest, bounds_what_a_client_tries_at_once) {
  for (std::uint32_t i = 0; i < FailureLimit::kMostAtOnce; ++i) {
    EXPECT_FALSE(limit_.begin(ip("192.0.2.7"), kTerms, now_)) << i;
  }
  EXPECT_TRUE(limit_.begin(ip("192.0.2.7"), kTerms, now_));
  limit_.end(ip("192.0.2.7"), kTerms, false, now_);
  EXPECT_FALSE(limit_.begin(ip("192.0.2.7"), kTerms, now_));
  // All of them were wrong: it pays for each.
  for (std::uint32_t i = 0; i < FailureLimit::kMostAtOnce; ++i) {
    limit_.end(ip("192.0.2.7"), kTerms, true, now_);
  }
  now_ += 2min;
  EXPECT_FALSE(attempt("192.0.2.7", true));
  now_ += 1min;
  EXPECT_TRUE(attempt("192.0.2.7", true));
}

TEST_F(FailureLimitTest, bounds_its_memory_and_forgets_what_does_not_count_any_more) {
  IpAddress client;
  client.v4 = true;
  auto fail_as = [&](std::uint32_t number) {
    for (int i = 0; i < 4; ++i) client.bytes[12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
    bool may = !limit_.begin(client, kTerms, now_);
    limit_.end(client, kTerms, true, now_);
    return may;
  };
  for (std::uint32_t i = 0; i < FailureLimit::kMostClients; ++i) fail_as(i);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(fail_as(1u << 30));  // no room: not limited
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(fail_as(7));
  EXPECT_FALSE(fail_as(7));
  now_ += 2min;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(fail_as(1u << 30));
  EXPECT_FALSE(fail_as(1u << 30));
}

}  // namespace
}  // namespace weir

#include "http/preconditions.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::int64_t kModified = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::string_view kThen = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
constexpr std::string_view kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr std::int64_t kNow = kModified + 3600;

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

class PreconditionsTest : public ::testing::Test {
 protected:
  Precondition check(const Fields& fields, Method method = Method::get) {
    Request request(arena_);
    request.method = method;
    for (const auto& [name, value] : fields) request.headers.add(name, value);
    return check_preconditions(request, {"\"now\"", kModified}, kNow);
  }
  bool wanted(const Fields& fields, Method method = Method::get, std::int64_t now = kNow) {
    Request request(arena_);
    request.method = method;
    for (const auto& [name, value] : fields) request.headers.add(name, value);
    return range_wanted(request, {"\"now\"", kModified}, now);
  }
  Arena arena_;
};

TEST_F(PreconditionsTest, if_match_wants_this_representation_strongly) {
  EXPECT_EQ(check({{"If-Match", "\"now\""}}), Precondition::holds);
  EXPECT_EQ(check({{"If-Match", "\"old\", \"now\""}}), Precondition::holds);
  EXPECT_EQ(check({{"If-Match", "*"}}), Precondition::holds);
  EXPECT_EQ(check({{"If-Match", "\"old\""}}), Precondition::failed);
  EXPECT_EQ(check({{"If-Match", "W/\"now\""}}), Precondition::failed);
  EXPECT_EQ(check({{"If-Match", "now"}}), Precondition::failed);
  EXPECT_EQ(check({{"If-Match", "\"old\""}, {"If-Match", "\"now\""}}), Precondition::holds);
}

TEST_F(PreconditionsTest, if_unmodified_since_counts_only_without_if_match) {
  EXPECT_EQ(check({{"If-Unmodified-Since", kBefore}}), Precondition::failed);
  EXPECT_EQ(check({{"If-Unmodified-Since", kThen}}), Precondition::holds);
  EXPECT_EQ(check({{"If-Unmodified-Since", kBefore}, {"If-Match", "\"now\""}}),
            Precondition::holds);
  EXPECT_EQ(check({{"If-Unmodified-Since", "yesterday"}}), Precondition::holds);
}

TEST_F(PreconditionsTest, if_none_match_compares_weakly) {
  EXPECT_EQ(check({{"If-None-Match", "\"now\""}}), Precondition::not_modified);
  EXPECT_EQ(check({{"If-None-Match", "W/\"now\""}}), Precondition::not_modified);
  EXPECT_EQ(check({{"If-None-Match", "\"a,b\" ,, W/\"now\""}}), Precondition::not_modified);
  EXPECT_EQ(check({{"If-None-Match", "*"}}), Precondition::not_modified);
  EXPECT_EQ(check({{"If-None-Match", "\"old\""}}), Precondition::holds);
  EXPECT_EQ(check({{"If-None-Match", "\"now\""}}, Method::head), Precondition::not_modified);
  EXPECT_EQ(check({{"If-None-Match", "\"now\""}}, Method::put), Precondition::failed);
}

TEST_F(PreconditionsTest, what_follows_a_mistake_in_a_list_is_not_read) {
  EXPECT_EQ(check({{"If-None-Match", "old, \"now\""}}), Precondition::holds);
  EXPECT_EQ(check({{"If-None-Match", "\"old\" \"now\""}}), Precondition::holds);
  EXPECT_EQ(check({{"If-None-Match", "\"old, \"now\""}}), Precondition::holds);
  EXPECT_EQ(check({{"If-None-Match", "\"now"}}), Precondition::holds);
  EXPECT_EQ(check({{"If-None-Match", "w/\"now\""}}), Precondition::holds);
}

TEST_F(PreconditionsTest, if_modified_since_counts_only_without_if_none_match) {
  EXPECT_EQ(check({{"If-Modified-Since", kThen}}), Precondition::not_modified);
  EXPECT_EQ(check({{"If-Modified-Since", kAfter}}), Precondition::not_modified);
  EXPECT_EQ(check({{"If-Modified-Since", kBefore}}), Precondition::holds);
  EXPECT_EQ(check({{"If-Modified-Since", kAfter}, {"If-None-Match", "\"old\""}}),
            Precondition::holds);
  EXPECT_EQ(check({{"If-Modified-Since", kAfter}}, Method::post), Precondition::holds);
  EXPECT_EQ(check({{"If-Modified-Since", kAfter}, {"If-Modified-Since", kAfter}}),
            Precondition::holds);
}

TEST_F(PreconditionsTest, a_failed_precondition_comes_before_not_modified) {
  EXPECT_EQ(check({{"If-Match", "\"old\""}, {"If-None-Match", "\"now\""}}), Precondition::failed);
  EXPECT_EQ(check({{"If-Unmodified-Since", kBefore}, {"If-None-Match", "\"now\""}}),
            Precondition::failed);
  EXPECT_EQ(check({{"If-Match", "\"now\""}, {"If-None-Match", "\"now\""}}),
            Precondition::not_modified);
}

TEST_F(PreconditionsTest, a_range_counts_for_get_alone) {
  EXPECT_TRUE(wanted({{"Range", "bytes=0-1"}}));
  EXPECT_FALSE(wanted({}));
  EXPECT_FALSE(wanted({{"Range", "bytes=0-1"}}, Method::head));
  EXPECT_FALSE(wanted({{"Range", "bytes=0-1"}, {"Range", "bytes=3-4"}}));
}

TEST_F(PreconditionsTest, if_range_names_exactly_this_representation) {
  auto with = [](std::string_view value) {
    return Fields{{"Range", "bytes=0-1"}, {"If-Range", value}};
  };
  EXPECT_TRUE(wanted(with("\"now\"")));
  EXPECT_FALSE(wanted(with("W/\"now\"")));
  EXPECT_FALSE(wanted(with("\"old\"")));
  EXPECT_FALSE(wanted(with("\"old\", \"now\"")));
  EXPECT_FALSE(wanted(with("*")));
  EXPECT_TRUE(wanted(with(kThen)));
  EXPECT_FALSE(wanted(with(kAfter)));
  EXPECT_FALSE(wanted(with(kBefore)));
  EXPECT_FALSE(wanted(with(kThen), Method::get, kModified)) << "it may change in this very second";
}

}  // namespace
}  // namespace weir

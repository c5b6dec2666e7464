#include "core/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "core/result.h"

namespace weir {
namespace {

TEST(Error, has_a_name_of_its_own_for_every_code) {
  std::set<std::string> names;
  int last = static_cast<int>(ErrorCode::internal);
  for (int code = 0; code <= last; ++code) {
    std::string text(name(static_cast<ErrorCode>(code)));
    EXPECT_NE(text, "unknown");
    EXPECT_TRUE(names.insert(text).second) << text;
  }
}

TEST(Error, is_told_apart_by_errno) {
  EXPECT_EQ(from_errno(ECONNRESET), ErrorCode::reset);
  EXPECT_EQ(from_errno(EPIPE), ErrorCode::reset);
  EXPECT_EQ(from_errno(ECONNREFUSED), ErrorCode::refused);
  EXPECT_EQ(from_errno(EMFILE), ErrorCode::no_descriptors);
  EXPECT_EQ(from_errno(EADDRINUSE), ErrorCode::address_in_use);
  EXPECT_EQ(from_errno(EBADF), ErrorCode::io);
}

TEST(Error, keeps_the_rest_when_one_part_is_changed) {
  Error error(ErrorCode::reset, Origin::weir, "recv", Retry::if_unsent);
  EXPECT_EQ(error.with(Origin::upstream).origin, Origin::upstream);
  EXPECT_EQ(error.with(Origin::upstream).detail, "recv");
  EXPECT_EQ(error.with(Retry::always).retry, Retry::always);
  EXPECT_EQ(error.with(Retry::always).code, ErrorCode::reset);
}

TEST(Error, travels_in_a_result) {
  Result<int> failed = fail(ErrorCode::limit, Origin::weir, "too many");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().detail, "too many");
}

}  // namespace
}  // namespace weir

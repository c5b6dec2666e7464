#include "http/method.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Method, names_and_numbers_belong_together) {
  for (int i = 0; i < static_cast<int>(Method::other); ++i) {
    auto method = static_cast<Method>(i);
    EXPECT_FALSE(method_name(method).empty());
    EXPECT_EQ(parse_method(method_name(method)), method);
  }
  EXPECT_EQ(method_name(Method::other), "");
}

TEST(Method, case_and_length_matter) {
  for (std::string_view text : {"", "get", "Get", "GETS", "GE", "PROPFIND", "DELETED", "OPTION"}) {
    EXPECT_EQ(parse_method(text), Method::other) << text;
  }
}

TEST(Method, safe_and_idempotent_are_those_of_rfc_9110) {
  EXPECT_TRUE(is_safe(Method::get) && is_safe(Method::head) && is_safe(Method::options) &&
              is_safe(Method::trace));
  EXPECT_FALSE(is_safe(Method::put) || is_safe(Method::post) || is_safe(Method::delete_));
  EXPECT_TRUE(is_idempotent(Method::put) && is_idempotent(Method::delete_) &&
              is_idempotent(Method::get));
  EXPECT_FALSE(is_idempotent(Method::post) || is_idempotent(Method::patch) ||
               is_idempotent(Method::connect) || is_idempotent(Method::other));
}

}  // namespace
}  // namespace weir

#include "http/headers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

class HeadersTest : public ::testing::Test {
 protected:
  std::string listing() const { return listing_of(headers_); }
  static std::string listing_of(const Headers& headers) {
    std::string text;
    for (const Header& h : headers) {
      text += std::string(h.name()) + "=" + std::string(h.value()) + " ";
    }
    return text;
  }
  Arena arena_;
  Headers headers_{arena_};
};

TEST_F(HeadersTest, finds_by_number_and_by_name_in_any_case) {
  headers_.add("hOsT", "a");
  headers_.add("X-One", "1");
  EXPECT_EQ(headers_.get(HeaderId::host), "a");
  EXPECT_EQ(headers_.get("HOST"), "a");
  EXPECT_EQ(headers_.get("x-oNE"), "1");
  EXPECT_TRUE(headers_.has("x-one"));
  EXPECT_FALSE(headers_.has("x-two"));
  EXPECT_FALSE(headers_.has(HeaderId::cookie));
  EXPECT_EQ(headers_.find("Cookie"), nullptr);
  EXPECT_EQ(headers_.get("Cookie"), "");
}

TEST_F(HeadersTest, keeps_the_order_and_every_duplicate) {
  headers_.add("B", "1");
  headers_.add(HeaderId::set_cookie, "x");
  headers_.add("A", "2");
  headers_.add("set-cookie", "y");
  EXPECT_EQ(listing(), "B=1 Set-Cookie=x A=2 set-cookie=y ");
  EXPECT_EQ(headers_.count(HeaderId::set_cookie), 2u);
  std::vector<std::string> values;
  headers_.for_each(HeaderId::set_cookie, [&](std::string_view v) { values.emplace_back(v); });
  headers_.for_each("b", [&](std::string_view v) { values.emplace_back(v); });
  headers_.for_each("c", [&](std::string_view v) { values.emplace_back(v); });
  EXPECT_EQ(values, (std::vector<std::string>{"x", "y", "1"}));
}

TEST_F(HeadersTest, set_takes_the_place_of_the_first_and_removes_the_rest) {
  for (std::string_view name : {"A", "X", "Via", "x", "via", "B", "X"}) headers_.add(name, "old");
  headers_.set("X", "new");
  EXPECT_EQ(listing(), "A=old X=new Via=old via=old B=old ");
  headers_.set(HeaderId::via, "us");
  EXPECT_EQ(listing(), "A=old X=new Via=us B=old ");
  headers_.set("C", "1");
  headers_.set(HeaderId::age, "2");
  EXPECT_EQ(listing(), "A=old X=new Via=us B=old C=1 Age=2 ");
}

TEST_F(HeadersTest, remove_keeps_the_others_in_order) {
  for (std::string_view name : {"A", "Via", "B", "X", "x", "C"}) headers_.add(name, "1");
  EXPECT_EQ(headers_.remove("X"), 2u);
  EXPECT_EQ(headers_.remove("X"), 0u);
  EXPECT_EQ(headers_.remove(HeaderId::via), 1u);
  EXPECT_EQ(headers_.remove(HeaderId::via), 0u);
  EXPECT_EQ(headers_.remove("cookie"), 0u);
  EXPECT_EQ(listing(), "A=1 B=1 C=1 ");
  EXPECT_FALSE(headers_.has(HeaderId::via));
  EXPECT_TRUE(headers_.has("a"));
  EXPECT_EQ(headers_.remove_if([](const Header&) { return true; }), 3u);
  EXPECT_FALSE(headers_.has("a"));
  EXPECT_TRUE(headers_.empty());
}

TEST_F(HeadersTest, knows_at_once_what_is_absent) {
  headers_.add(HeaderId::host, "a");
  EXPECT_TRUE(headers_.has_any(HeaderSet(HeaderId::cookie, HeaderId::host)));
  EXPECT_FALSE(headers_.has_any(HeaderSet(HeaderId::cookie, HeaderId::age)));
  headers_.clear();
  EXPECT_FALSE(headers_.has(HeaderId::host));
  EXPECT_FALSE(headers_.has_any(HeaderSet(HeaderId::host)));
}

TEST_F(HeadersTest, grows_without_losing_anything) {
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("X-" + std::to_string(i));
  for (const std::string& name : names) headers_.add(name, name);
  ASSERT_EQ(headers_.size(), 1000u);
  for (const std::string& name : names) EXPECT_EQ(headers_.get(name), name);
}

TEST_F(HeadersTest, is_moved_and_cloned) {
  std::string value = "v";
  headers_.add("X", value);
  headers_.add(HeaderId::host, value);
  Arena other;
  Headers copy = headers_.clone(other);
  Headers moved = std::move(headers_);
  value = "w";
  EXPECT_EQ(listing_of(copy), "X=v Host=v ");
  EXPECT_EQ(listing_of(moved), "X=w Host=w ");
  EXPECT_EQ(headers_.size(), 0u);
  headers_.add("Y", "1");
  EXPECT_EQ(listing(), "Y=1 ");
  EXPECT_EQ(&copy.arena(), &other);
}

TEST_F(HeadersTest, wire_size_counts_separators) {
  EXPECT_EQ(headers_.wire_size(), 0u);
  headers_.add("Name", "value");
  EXPECT_EQ(headers_.wire_size(), std::string_view("Name: value\r\n").size());
}

}  // namespace
}  // namespace weir

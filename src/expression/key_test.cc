#include "expression/key.h"

#include <gtest/gtest.h>

#include "core/hash.h"
#include "expression/fake_facts.h"

namespace weir::expression {
namespace {

Key key_of(std::vector<std::string_view> sources) {
  Key key;
  for (std::string_view source : sources) {
    auto added = key.add(source, Stage::route);
    EXPECT_TRUE(added) << (added ? "" : added.error().message);
  }
  return key;
}

std::string error_of(std::string_view source) {
  Key key;
  auto added = key.add(source, Stage::route);
  return added ? "" : added.error().message;
}

TEST(Key, is_the_hash_of_the_text_of_a_value) {
  FakeFacts facts = FakeFacts::sample();
  EXPECT_EQ(key_of({"client_ip"}).hash(facts), stable_hash("10.1.2.3"));
  EXPECT_EQ(key_of({"cookie.session"}).hash(facts), stable_hash("S1"));
  EXPECT_EQ(key_of({"query.page"}).hash(facts), stable_hash("2"));
  EXPECT_EQ(key_of({"lower(cookie.session)"}).hash(facts), stable_hash("s1"));
  EXPECT_EQ(key_of({"header.accept"}).hash(facts), stable_hash("text/html, application/json"));
}

TEST(Key, takes_the_first_value_that_there_is) {
  FakeFacts facts = FakeFacts::sample();
  EXPECT_EQ(key_of({"header.x-user", "cookie.session", "client_ip"}).hash(facts),
            stable_hash("S1"));
  EXPECT_EQ(key_of({"header.x-empty", "client_ip"}).hash(facts), stable_hash("10.1.2.3"));
}

TEST(Key, has_no_hash_without_a_value) {
  FakeFacts facts = FakeFacts::sample();
  EXPECT_EQ(key_of({"header.x-user"}).hash(facts), std::nullopt);
  EXPECT_EQ(key_of({"header.x-empty"}).hash(facts), std::nullopt);
  facts.set(Fact::client_ip, Value());
  EXPECT_EQ(key_of({"client_ip"}).hash(facts), std::nullopt);
  EXPECT_EQ(Key().hash(facts), std::nullopt);
}

TEST(Key, takes_values_of_any_length) {
  FakeFacts facts;
  for (std::size_t size : {255u, 256u, 257u, 9000u}) {
    std::string text(size, 'k');
    facts.fields[static_cast<std::size_t>(Source::header)].clear();
    facts.add(Source::header, "x-user", text);
    EXPECT_EQ(key_of({"header.x-user"}).hash(facts), stable_hash(text));
  }
}

TEST(Key, refuses_what_is_not_one_value_of_a_request) {
  EXPECT_NE(error_of(""), "");
  EXPECT_NE(error_of("client_ipp"), "");
  EXPECT_NE(error_of("header(\"X-User\")"), "");
  EXPECT_NE(error_of("client_ip == 10.0.0.1"), "");
  EXPECT_NE(error_of("client_ip}"), "");
  EXPECT_NE(error_of("status"), "");
  EXPECT_EQ(error_of("default(header.x-user, cookie.user)"), "");
}

}  // namespace
}  // namespace weir::expression

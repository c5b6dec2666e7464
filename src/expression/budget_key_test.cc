#include "expression/budget_key.h"

#include <gtest/gtest.h>

#include "expression/fake_facts.h"

namespace weir::expression {
namespace {

BudgetKey key_of(std::vector<std::string_view> sources) {
  BudgetKey key;
  for (std::string_view source : sources) {
    auto added = key.add(source, Stage::route);
    EXPECT_TRUE(added) << (added ? "" : added.error().message);
  }
  return key;
}

FakeFacts client(std::string_view ip) {
  FakeFacts facts = FakeFacts::sample();
  facts.set(Fact::client_ip, Value::of(*IpAddress::parse(ip)));
  return facts;
}

bool same(const BudgetKey& key, const FakeFacts& a, const FakeFacts& b) {
  EXPECT_EQ(key.hash(a, 1) == key.hash(b, 1), key.digest(a, "x") == key.digest(b, "x"));
  return key.hash(a, 1) == key.hash(b, 1);
}

TEST(BudgetKey, takes_the_64_bits_of_an_ipv6_client_for_one) {
  BudgetKey key = key_of({"client_ip"});
  EXPECT_TRUE(same(key, client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9")));
  EXPECT_FALSE(same(key, client("2001:db8:1:2::1"), client("2001:db8:1:3::1")));
  EXPECT_FALSE(same(key, client("10.0.0.1"), client("10.0.0.2")));
}

TEST(BudgetKey, knows_an_ipv4_client_also_in_the_clothes_of_ipv6) {
  BudgetKey key = key_of({"client_ip"});
  EXPECT_TRUE(same(key, client("::ffff:10.0.0.1"), client("10.0.0.1")));
  EXPECT_FALSE(same(key, client("::ffff:10.0.0.1"), client("::ffff:10.0.0.2")));
}

TEST(BudgetKey, takes_its_values_together) {
  BudgetKey key = key_of({"client_ip", "header.x-api-key"});
  FakeFacts one = client("10.0.0.1"), other = client("10.0.0.1");
  one.add(Source::header, "x-api-key", "a");
  other.add(Source::header, "x-api-key", "b");
  EXPECT_FALSE(same(key, one, other));
  EXPECT_TRUE(same(key_of({"client_ip"}), one, other));
  EXPECT_TRUE(same(key_of({}), one, client("10.0.0.9")));
}

TEST(BudgetKey, cannot_be_talked_into_another_split_of_its_values) {
  BudgetKey key = key_of({"query.a", "query.b"});
  auto facts = [](std::string a, std::string b) {
    FakeFacts made;
    made.add(Source::query, "a", std::move(a));
    made.add(Source::query, "b", std::move(b));
    return made;
  };
  EXPECT_FALSE(same(key, facts("x", "yz"), facts("xy", "z")));
  std::string length("\1\0\0\0", 4);
  EXPECT_FALSE(same(key, facts("x" + length, "y"), facts("x", length + "y")));
}

TEST(BudgetKey, gives_all_that_lack_a_value_one_budget) {
  BudgetKey key = key_of({"header.x-none"});
  EXPECT_TRUE(same(key, client("10.0.0.1"), client("10.0.0.2")));
  FakeFacts dash = client("10.0.0.1");
  dash.add(Source::header, "x-none", "-");
  EXPECT_FALSE(same(key, client("10.0.0.1"), dash));
}

TEST(BudgetKey, does_not_cut_long_values) {
  BudgetKey key = key_of({"header.x-long"});
  FakeFacts one, other;
  one.add(Source::header, "x-long", std::string(1000, 'a') + "1");
  other.add(Source::header, "x-long", std::string(1000, 'a') + "2");
  EXPECT_FALSE(same(key, one, other));
}

TEST(BudgetKey, depends_on_the_seed_and_on_the_scope) {
  BudgetKey key = key_of({"client_ip"});
  FakeFacts facts = client("10.0.0.1");
  EXPECT_NE(key.hash(facts, 1), key.hash(facts, 2));
  EXPECT_NE(key.digest(facts, "a"), key.digest(facts, "b"));
  EXPECT_EQ(
      std::string_view(key.digest(facts, "a").data(), 32).find_first_not_of("0123456789abcdef"),
      std::string_view::npos);
}

TEST(BudgetKey, refuses_what_is_not_known_yet) {
  BudgetKey key;
  EXPECT_FALSE(key.add("status", Stage::route));
  EXPECT_FALSE(key.add("nonsense", Stage::route));
  EXPECT_TRUE(key.add("route", Stage::route));
}

}  // namespace
}  // namespace weir::expression

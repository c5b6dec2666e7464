#include "expression/redaction.h"

#include <gtest/gtest.h>

#include "expression/fake_facts.h"
#include "expression/template.h"

namespace weir::expression {
namespace {

class RedactionTest : public ::testing::Test {
 protected:
  std::string shown(std::string_view source) {
    auto compiled = Template::compile(source, Stage::response, Escape::log);
    EXPECT_TRUE(compiled) << source;
    std::string text;
    compiled->append_to(text, RedactedFacts(facts, rules, arena));
    return text;
  }
  std::string query(std::string_view text) { return std::string(rules.shown_query(text, arena)); }

  Arena arena;
  Redaction rules;
  FakeFacts facts = FakeFacts::sample();
};

TEST_F(RedactionTest, leaves_all_as_it_is_without_a_rule) {
  EXPECT_FALSE(rules.any());
  EXPECT_EQ(shown("${client_ip} ${client_port} ${target} ${query}"),
            "10.1.2.3 50123 /api/./v1/items?page=2&q=a%20b page=2&q=a%20b");
}

TEST_F(RedactionTest, keeps_of_an_address_its_network_or_nothing) {
  rules.client_ip = Redaction::Ip::truncate;
  EXPECT_EQ(shown("${client_ip} ${client_port}"), "10.1.2.0 -");
  facts.set(Fact::client_ip, Value::of(*IpAddress::parse("2001:db8:1:2:3:4:5:6")));
  EXPECT_EQ(shown("${client_ip}"), "2001:db8:1::");
  rules.client_ip = Redaction::Ip::remove;
  EXPECT_EQ(shown("[${client_ip}] ${client_port}"), "[-] -");
}

TEST_F(RedactionTest, masks_parameters_by_name_wherever_a_query_is_shown) {
  rules.query = {"q"};
  facts.add(Source::header, "referer", "https://a.example/?q=secret&r=1");
  EXPECT_EQ(shown("${query} ${target} ${query.q} ${header.referer}"),
            "page=2&q=*** /api/./v1/items?page=2&q=*** *** https://a.example/?q=***&r=1");
}

TEST_F(RedactionTest, masks_what_could_be_the_name_in_another_spelling) {
  rules.query = {"token"};
  EXPECT_EQ(query("%74oken=1&a=2&token&token=&to+ken=3"),
            "%74oken=***&a=2&token&token=***&to+ken=***");
  EXPECT_EQ(query("&&=1&"), "&&=1&");
  rules.query = {"*"};
  EXPECT_EQ(query("a=1&b=2=3"), "a=***&b=***");
}

TEST_F(RedactionTest, masks_headers_and_cookies_by_name) {
  rules.headers = {"authorization", "set-cookie"};
  rules.cookies = {"session"};
  facts.add(Source::header, "authorization", "Bearer 1");
  facts.add(Source::response_header, "set-cookie", "a=1");
  facts.add(Source::cookie, "theme", "dark");
  EXPECT_EQ(shown("${header.authorization} ${response_header.set-cookie} "
                  "${cookie.session} ${cookie.theme}"),
            "*** *** *** dark");
  rules.headers = {"cookie"};
  EXPECT_EQ(shown("${cookie.theme}"), "***") << "it is part of the field";
}

TEST_F(RedactionTest, says_that_somebody_was_known_but_not_who) {
  rules.identity = true;
  EXPECT_EQ(shown("${default(identity, \"-\")}"), "-");
  facts.set(Fact::identity, Value::of(std::string_view("ada")));
  EXPECT_EQ(shown("${identity}"), "***");
}

}  // namespace
}  // namespace weir::expression

#include "upstream/sticky.h"

#include <set>

#include <gmock/gmock.h>

#include "upstream/balance_testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::break_off;
using test::kHello;
using test::read_head;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Sticky : public test::UpstreamTest {
 protected:
  Sticky() {
    options_.pool.max_idle = 0;  // an origin answers once on each connection
    options_.sticky = std::make_shared<StickyCookie>(StickyCookie{.name = "home"});
    keys({});
  }
  void keys(std::vector<std::string> keys) {
    balance({.algorithm = Balance::random, .aliases = true, .alias_keys = std::move(keys)});
  }
  void three() {
    for (int i = 0; i < 3; ++i) origin({answers(kHello)});
  }
  /// What a browser sends back.
  static std::string pair_of(const std::string& set_cookie) {
    return set_cookie.substr(0, set_cookie.find(';'));
  }
  Endpoint& endpoint_of(const std::string& text) {
    for (const auto& each : cluster_->endpoints()->endpoints) {
      if (each->text == text) return *each;
    }
    ADD_FAILURE() << text;
    return *cluster_->endpoints()->endpoints[0];
  }
};

TEST_F(Sticky, brings_a_client_back) {
  three();
  std::set<std::string> homes;
  for (int client = 0; client < 12; ++client) {
    Answered first = ask("", "");
    homes.insert(first.endpoint);
    std::string cookie = "a=1; " + pair_of(first.cookie);
    for (int i = 0; i < 5; ++i) {
      Answered next = ask("", cookie);
      EXPECT_EQ(next.endpoint, first.endpoint);
      EXPECT_EQ(next.cookie, "");
    }
  }
  EXPECT_EQ(homes.size(), 3u);
}

TEST_F(Sticky, says_nothing_of_the_origin) {
  three();
  std::string cookie = ask("", "").cookie;
  EXPECT_THAT(cookie, StartsWith("home="));
  EXPECT_EQ(pair_of(cookie).size(), 5u + 32u);
  EXPECT_THAT(cookie, Not(HasSubstr("10.0.")));
  EXPECT_THAT(cookie, HasSubstr("; Path=/; HttpOnly; SameSite=Lax"));
  EXPECT_THAT(cookie, Not(HasSubstr("Secure")));
}

TEST_F(Sticky, takes_a_cookie_that_is_not_its_own_for_none) {
  three();
  std::string good = pair_of(ask("", "").cookie);
  std::string bent = good;
  bent.back() = bent.back() == '0' ? '1' : '0';
  for (const std::string& cookie :
       {std::string("home="), std::string("home=x"), "home=" + std::string(32, 'z'),
        "home=" + std::string(32, '0'), bent, good + "0", "Home=" + good.substr(5)}) {
    Answered answered = ask("", cookie);
    EXPECT_EQ(answered.status, 200) << name(answered.error);
    EXPECT_THAT(answered.cookie, StartsWith("home=")) << cookie;
  }
}

TEST_F(Sticky, finds_another_home_when_the_endpoint_is_away) {
  three();
  Answered first = ask("", "");
  cluster_->set_away(endpoint_of(first.endpoint), Away::unhealthy, true);
  Answered next = ask("", pair_of(first.cookie));
  EXPECT_NE(next.endpoint, first.endpoint);
  ASSERT_THAT(next.cookie, StartsWith("home="));
  cluster_->set_away(endpoint_of(first.endpoint), Away::unhealthy, false);
  EXPECT_EQ(ask("", pair_of(next.cookie)).endpoint, next.endpoint);
}

TEST_F(Sticky, finds_another_home_when_the_endpoint_fails) {
  options_.retries.attempts = 2;
  endpoint("10.9.9.9:80");  // nobody listens
  origin({answers(kHello)});
  Alias dead = (*cluster_->endpoints()->aliases)[0];
  char text[40];
  std::snprintf(text, sizeof text, "home=%016lx%016lx", dead.high, dead.low);
  Answered answered = ask("", text);
  EXPECT_EQ(answered.endpoint, addresses_[1].address.text());
  EXPECT_THAT(answered.cookie, StartsWith("home="));
}

TEST_F(Sticky, keeps_the_home_that_only_has_no_room) {
  options_.limits = {.max_requests = 1};
  balance({.algorithm = Balance::random, .max_requests = 1, .aliases = true});
  three();
  Answered first = ask("", "");
  endpoint_of(first.endpoint).in_flight = 1;
  Answered next = ask("", pair_of(first.cookie));
  EXPECT_NE(next.endpoint, first.endpoint);
  EXPECT_EQ(next.cookie, "");
  endpoint_of(first.endpoint).in_flight = 0;
  EXPECT_EQ(ask("", pair_of(first.cookie)).endpoint, first.endpoint);
}

TEST_F(Sticky, outlives_changes_of_the_endpoints) {
  three();
  Answered first = ask("", "");
  origin({answers(kHello)});
  EXPECT_EQ(ask("", pair_of(first.cookie)).endpoint, first.endpoint);
}

TEST_F(Sticky, knows_the_cookies_of_older_secrets_and_renews_them) {
  three();
  keys({"old"});
  Answered first = ask("", "");
  keys({"new", "old"});
  Answered next = ask("", pair_of(first.cookie));
  EXPECT_EQ(next.endpoint, first.endpoint);
  EXPECT_NE(pair_of(next.cookie), pair_of(first.cookie));
  keys({"new"});
  EXPECT_EQ(ask("", pair_of(next.cookie)).endpoint, first.endpoint);
  EXPECT_THAT(ask("", pair_of(first.cookie)).cookie, StartsWith("home="));
}

TEST_F(Sticky, is_kept_from_scripts_and_other_sites) {
  three();
  auto strict = StickyCookie{"home", "/shop", SameSite::strict, std::chrono::seconds(90)};
  options_.sticky = std::make_shared<StickyCookie>(strict);
  EXPECT_THAT(ask("", "").cookie, HasSubstr("; Path=/shop; Max-Age=90; HttpOnly; SameSite=Strict"));
  strict.same_site = SameSite::none;
  options_.sticky = std::make_shared<StickyCookie>(strict);
  EXPECT_THAT(ask("", "").cookie, HasSubstr("; HttpOnly; Secure; SameSite=None"));
}

}  // namespace
}  // namespace weir

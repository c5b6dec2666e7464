#include "handler/redirect.h"

#include <gtest/gtest.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

class RedirectTest : public ::testing::Test {
 protected:
  test::Answer answer(std::string to, test::Asked asked, std::uint16_t status = 308,
                      std::string regex = {}) {
    RedirectConfig config;
    config.regex.value = std::move(regex);
    config.to.value = std::move(to);
    config.status = status;
    config::Diagnostics diagnostics;
    Redirect redirect(config, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    return test::run(world_.add_loop(), test::answer_of(world_.loop(0), redirect, asked));
  }

  SimWorld world_{1};
};

TEST_F(RedirectTest, sends_the_client_to_another_address) {
  test::Answer there = answer("https://new.example/", {.target = "/old"});
  EXPECT_EQ(there.status, 308);
  EXPECT_EQ(there.fields, "Location: https://new.example/\n");
  EXPECT_EQ(there.body, "");
}

TEST_F(RedirectTest, fills_the_address_from_the_request) {
  test::Answer there = answer("https://${host}${path}?from=${method}", {.target = "/a/./b"}, 302);
  EXPECT_EQ(there.status, 302);
  EXPECT_EQ(there.fields, "Location: https://shop.example/a/b?from=GET\n");
}

TEST_F(RedirectTest, keeps_the_query_as_it_was_sent) {
  EXPECT_EQ(answer("https://${host}${path}?${query}", {.target = "/a?x=%0d%0ay&z"}).fields,
            "Location: https://shop.example/a?x=%0d%0ay&z\n");
}

TEST_F(RedirectTest, lets_nothing_of_the_client_end_the_line) {
  // A parser gives no such value; a handler does not rely on it.
  test::Answer there =
      answer("/x/${header.x-part}", {.headers = {{"X-Part", "a\r\nSet-Cookie: b"}}});
  EXPECT_EQ(there.fields.find("\r"), std::string::npos) << there.fields;
  EXPECT_EQ(there.fields.find("\nSet-Cookie"), std::string::npos) << there.fields;
}

TEST_F(RedirectTest, puts_in_what_a_regex_captured) {
  std::string regex = "/blog/(\\d+)/(.*)";
  EXPECT_EQ(answer("/posts/$1?name=$2", {.target = "/blog/7/a&b"}, 301, regex).fields,
            "Location: /posts/7?name=a%26b\n");
  EXPECT_EQ(answer("/posts/$1", {.target = "/blog/x"}, 301, regex).error.code,
            ErrorCode::not_found);
}

TEST_F(RedirectTest, encodes_values_that_are_no_part_of_the_address) {
  EXPECT_EQ(answer("/x?to=${query.to}", {.target = "/a?to=https://b/?c%26d"}).fields,
            "Location: /x?to=https%3A%2F%2Fb%2F%3Fc%26d\n");
}

// ATTACKS 33: open redirects. A client must not choose the site that it, or another, is sent to.
TEST_F(RedirectTest, leads_to_no_site_that_the_client_chose) {
  EXPECT_EQ(answer("${target}", {.target = "//evil.example/x"}).error.code, ErrorCode::bad_target);
  EXPECT_EQ(answer("${query.to}", {.target = "/?to=//evil.example"}).fields,
            "Location: %2F%2Fevil.example\n");
  for (const char* open : {"https://app.example$1", "https://$1.app.example/", "//$1/x",
                           "https://${host}$1", "${scheme}://a$1/"}) {
    EXPECT_TRUE(check_redirect_to(open)) << open;
  }
  for (const char* good : {"https://app.example/$1", "/$1", "$1", "https://${host}/$1?$2",
                           "https://${host}${path}", "//cdn.example/$1", "https://a?$1"}) {
    EXPECT_FALSE(check_redirect_to(good)) << good;
  }
}

TEST(Redirect, reports_a_template_that_cannot_be_compiled) {
  RedirectConfig config;
  config.to.value = "https://${hots}/";
  config::Diagnostics diagnostics;
  Redirect redirect(config, diagnostics);
  EXPECT_FALSE(diagnostics.ok());
  EXPECT_NE(diagnostics.render().find("\"host\""), std::string::npos);
}

}  // namespace
}  // namespace weir

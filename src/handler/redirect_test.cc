#include "handler/redirect.h"

#include <gtest/gtest.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

class RedirectTest : public ::testing::Test {
 protected:
  test::Answer answer(std::string to, test::Asked asked, std::uint16_t status = 308) {
    RedirectConfig config;
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

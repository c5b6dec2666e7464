#include "middleware/cors.h"

#include <gmock/gmock.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Answers with fields of its own.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    ++asked;
    if (failure.code != ErrorCode::none) co_return fail(failure);
    Response response(exchange.arena());
    for (const auto& [name, value] : fields) response.headers.add(name, value);
    co_return response;
  }

  mutable int asked = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  Error failure;
};

class Around final : public Handler {
 public:
  Around(const CorsMiddleware& middleware, const Service& service)
      : middleware_(middleware), service_(service) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_.handle(exchange, Next({}, service_));
  }

 private:
  const CorsMiddleware& middleware_;
  const Service& service_;
};

class CorsTest : public ::testing::Test {
 protected:
  CorsTest() { config_.origins = {"https://app.example", "https://*.team.example:8443"}; }

  test::Answer ask(test::Asked asked) {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    CorsMiddleware cors(config_);
    Around around(cors, service_);
    return test::run(loop, test::answer_of(loop, around, std::move(asked)));
  }
  test::Answer from(std::string origin) { return ask({.headers = {{"Origin", origin}}}); }
  test::Answer preflight(std::string origin) {
    return ask({.method = "OPTIONS",
                .headers = {{"Origin", origin}, {"Access-Control-Request-Method", "PUT"}}});
  }

  CorsConfig config_;
  Service service_;
};

TEST_F(CorsTest, names_an_origin_that_may) {
  EXPECT_EQ(from("https://app.example").fields,
            "Vary: Origin\nAccess-Control-Allow-Origin: https://app.example\n");
  EXPECT_EQ(from("https://a.b.team.example:8443").fields,
            "Vary: Origin\nAccess-Control-Allow-Origin: https://a.b.team.example:8443\n");
}

TEST_F(CorsTest, names_no_origin_that_may_not) {
  for (std::string origin :
       {"https://app.example.evil", "http://app.example", "https://app.example:444",
        "https://APP.example", "null", "", "https://evil", "https://xapp.example",
        "https://app.example/", "https://team.example:8443", "https://.team.example:8443",
        "https://a@b.team.example:8443", "https://evil/.team.example:8443",
        "https://a:1.team.example:8443", "https://a..team.example:8443", "*"}) {
    EXPECT_EQ(from(origin).fields, "Vary: Origin\n") << origin;
    EXPECT_EQ(preflight(origin).error.code, ErrorCode::cors_denied) << origin;
  }
  EXPECT_EQ(ask({}).fields, "Vary: Origin\n");
}

// ATTACKS 37: several values of what may have one.
TEST_F(CorsTest, names_none_of_two_origins) {
  test::Answer answer =
      ask({.headers = {{"Origin", "https://app.example"}, {"Origin", "https://app.example"}}});
  EXPECT_EQ(answer.fields, "Vary: Origin\n");
}

TEST_F(CorsTest, answers_a_preflight_itself) {
  config_.methods = {"GET", "PUT"};
  config_.headers = {"Content-Type", "X-Token"};
  config_.max_age = std::chrono::minutes(1);
  config_.expose = {"X-Total"};
  test::Answer answer = preflight("https://app.example");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.fields,
            "Vary: Origin\n"
            "Access-Control-Allow-Origin: https://app.example\n"
            "Access-Control-Allow-Methods: GET, PUT\n"
            "Access-Control-Allow-Headers: Content-Type, X-Token\n"
            "Access-Control-Max-Age: 60\n");
  EXPECT_EQ(service_.asked, 0);
}

TEST_F(CorsTest, passes_on_what_only_looks_like_a_preflight) {
  ask({.method = "OPTIONS"});
  ask({.method = "OPTIONS", .headers = {{"Origin", "https://app.example"}}});
  ask({.headers = {{"Origin", "https://app.example"}, {"Access-Control-Request-Method", "PUT"}}});
  EXPECT_EQ(service_.asked, 3);
}

TEST_F(CorsTest, lets_all_origins_read_but_send_no_credentials) {
  config_.origins = {"*"};
  EXPECT_EQ(from("https://whoever.example").fields, "Access-Control-Allow-Origin: *\n");
  EXPECT_EQ(from("null").fields, "Access-Control-Allow-Origin: *\n");
  EXPECT_EQ(ask({}).fields, "");
}

TEST_F(CorsTest, allows_credentials_to_origins_of_the_list_alone) {
  config_.credentials = true;
  EXPECT_THAT(from("https://app.example").fields,
              HasSubstr("Access-Control-Allow-Credentials: true\n"));
  EXPECT_THAT(preflight("https://app.example").fields,
              HasSubstr("Access-Control-Allow-Credentials: true\n"));
  EXPECT_EQ(from("https://evil.example").fields, "Vary: Origin\n");
}

TEST_F(CorsTest, replaces_what_the_origin_server_says) {
  service_.fields = {{"access-control-allow-origin", "*"},
                     {"Access-Control-Allow-Credentials", "true"},
                     {"Vary", "Accept"},
                     {"X-Kept", "1"}};
  config_.expose = {"X-Kept"};
  EXPECT_EQ(from("https://app.example").fields,
            "Vary: Accept, Origin\nX-Kept: 1\n"
            "Access-Control-Allow-Origin: https://app.example\n"
            "Access-Control-Expose-Headers: X-Kept\n");
  EXPECT_EQ(from("https://evil.example").fields, "Vary: Accept, Origin\nX-Kept: 1\n");
}

TEST_F(CorsTest, lets_pages_read_why_a_request_failed) {
  service_.failure = Error(ErrorCode::refused, Origin::upstream);
  test::Answer shown = from("https://app.example");
  EXPECT_EQ(shown.status, 502);
  EXPECT_THAT(shown.body, HasSubstr("connect_refused"));
  EXPECT_THAT(shown.fields, HasSubstr("Access-Control-Allow-Origin: https://app.example\n"));
  EXPECT_EQ(from("https://evil.example").error.code, ErrorCode::refused);
  service_.failure = Error(ErrorCode::client_gone, Origin::client);
  EXPECT_EQ(from("https://app.example").error.code, ErrorCode::client_gone);
}

TEST_F(CorsTest, opens_no_private_network_unless_it_is_told_to) {
  test::Asked asked{.method = "OPTIONS",
                    .headers = {{"Origin", "https://app.example"},
                                {"Access-Control-Request-Method", "GET"},
                                {"Access-Control-Request-Private-Network", "true"}}};
  EXPECT_THAT(ask(asked).fields, Not(HasSubstr("Private-Network")));
  config_.private_network = true;
  EXPECT_THAT(ask(asked).fields, HasSubstr("Access-Control-Allow-Private-Network: true\n"));
}

TEST(CorsConfig, takes_origins_as_browsers_write_them) {
  for (const char* good : {"https://app.example", "http://localhost:3000", "https://*.a.example",
                           "http://[::1]:80", "http://10.0.0.1", "*", "app+x://a"}) {
    EXPECT_FALSE(check_cors_origin(good)) << good;
  }
  for (const char* bad :
       {"app.example", "https://app.example/", "https://App.example", "null", "", "https://",
        "https://*", "https://a.*.b", "https://a:0", "https://a:", "https://a:123456",
        "https://a..b", "https://[::1", "https://*.", "://a", "https://a b"}) {
    EXPECT_TRUE(check_cors_origin(bad)) << bad;
  }
}

}  // namespace
}  // namespace weir

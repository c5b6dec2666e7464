#include "middleware/security_headers.h"

#include <gmock/gmock.h>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

/// Answers with fields of its own.
class Page final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    if (failure.code != ErrorCode::none) co_return fail(failure);
    Response response(exchange.arena());
    for (const auto& [name, value] : fields) response.headers.add(name, value);
    co_return response;
  }

  std::vector<std::pair<std::string, std::string>> fields;
  Error failure;
};

class Careful final : public Handler {
 public:
  Careful(const SecurityHeadersMiddleware& middleware, const Page& page)
      : middleware_(middleware), page_(page) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_.handle(exchange, Next({}, page_));
  }

 private:
  const SecurityHeadersMiddleware& middleware_;
  const Page& page_;
};

class SecurityHeadersTest : public ::testing::Test {
 protected:
  test::Answer ask() {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    SecurityHeadersMiddleware middleware(config_);
    Careful careful(middleware, page_);
    return test::run(loop, test::answer_of(loop, careful, {}));
  }

  SecurityHeadersConfig config_;
  Page page_;
};

TEST_F(SecurityHeadersTest, sends_what_does_no_site_harm_by_default) {
  EXPECT_EQ(ask().fields,
            "X-Content-Type-Options: nosniff\n"
            "X-Frame-Options: SAMEORIGIN\n"
            "Referrer-Policy: strict-origin-when-cross-origin\n");
}

TEST_F(SecurityHeadersTest, sends_what_is_asked_for_and_no_more) {
  config_ = {.nosniff = false,
             .frames = FrameOptions::deny,
             .referrer_policy = "",
             .content_security_policy = "default-src 'self'",
             .permissions_policy = "camera=()"};
  EXPECT_EQ(ask().fields,
            "X-Frame-Options: DENY\n"
            "Content-Security-Policy: default-src 'self'\n"
            "Permissions-Policy: camera=()\n");
  config_ = {.nosniff = false, .frames = FrameOptions::any, .referrer_policy = ""};
  EXPECT_EQ(ask().fields, "");
}

TEST_F(SecurityHeadersTest, keeps_what_the_origin_says) {
  page_.fields = {{"x-frame-options", "DENY"}, {"X-Content-Type-Options", "other"}};
  EXPECT_EQ(ask().fields,
            "x-frame-options: DENY\n"
            "X-Content-Type-Options: other\n"
            "Referrer-Policy: strict-origin-when-cross-origin\n");
}

TEST_F(SecurityHeadersTest, passes_failures_on) {
  page_.failure = Error(ErrorCode::refused, Origin::upstream);
  EXPECT_EQ(ask().error.code, ErrorCode::refused);
}

}  // namespace
}  // namespace weir

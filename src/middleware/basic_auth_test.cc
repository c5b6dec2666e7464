#include "middleware/basic_auth.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "core/base64.h"
#include "http/testing.h"
#include "io/epoll_loop.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// Of "secret" and of "geheim".
const std::string kSecret = "$2y$04$91aQecJIR/JGjvHUU/zsJu7MgsiJt8zCULJAP1nv0SYNsNxMIxTJa";
const std::string kOther =
    "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$TnDEl2tJgYtaYZt0/5f59Jf56vkIG4EtQACv6SLO2cI";

/// Tells what it was asked.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Response response(exchange.arena());
    response.headers.add("Identity", exchange.identity());
    for (const Header& each : exchange.request().headers) {
      if (each.id() == HeaderId::authorization) continue;  // its way ends where it is sent on
      response.headers.add(each.name(), each.value());
    }
    co_return response;
  }
};

class Around final : public Handler {
 public:
  Around(const Middleware& middleware, const Service& service)
      : middleware_(middleware), service_(service) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    exchange.at_end([this](Exchange& ended) { reason = ended.outcome().error.code; });
    return middleware_.handle(exchange, Next({}, service_));
  }
  mutable ErrorCode reason = ErrorCode::none;

 private:
  const Middleware& middleware_;
  const Service& service_;
};

class BasicAuthTest : public ::testing::Test {
 protected:
  BasicAuthTest() {
    char name[] = "/tmp/weir-auth-XXXXXX";
    folder_ = ::mkdtemp(name);
    config_.file.value = folder_ + "/users";
    write("alice:" + kSecret + "\nbob:" + kOther + "\n");
  }
  ~BasicAuthTest() override {
    around_.reset();
    middleware_.reset();
    std::filesystem::remove_all(folder_);
  }

  void write(std::string text) const { std::ofstream(folder_ + "/users") << text; }
  /// As a reload does: the old one goes when the new one is there.
  void load() {
    config::Diagnostics diagnostics;
    auto fresh = std::make_unique<BasicAuthMiddleware>(
        config_, BuildParts{upstreams_, states_, states_, diagnostics});
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    around_ = std::make_unique<Around>(*fresh, service_);
    middleware_ = std::move(fresh);
  }
  test::Answer ask(test::Asked asked) {
    if (!middleware_) load();
    return test::run(loop_, test::answer_of(loop_, *around_, std::move(asked)));
  }
  static std::pair<std::string, std::string> authorization(std::string_view credentials) {
    return {"Authorization", "Basic " + std::string(base64_encode(credentials).view())};
  }
  test::Answer as(std::string credentials, std::string peer = "192.0.2.7:1") {
    return ask({.headers = {authorization(credentials)}, .peer = peer});
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  Upstreams upstreams_;
  NamedStates states_;
  BasicAuthConfig config_;
  std::unique_ptr<BasicAuthMiddleware> middleware_;
  std::unique_ptr<Around> around_;
  Service service_;
  std::string folder_;
};

TEST_F(BasicAuthTest, asks_who_it_is) {
  config_.realm = "the \"shop\"";
  test::Answer answer = ask({});
  EXPECT_EQ(answer.status, 401);
  EXPECT_THAT(answer.fields, HasSubstr("WWW-Authenticate: Basic realm=\"the \\\"shop\\\"\", "
                                       "charset=\"UTF-8\"\n"));
  EXPECT_THAT(answer.body, HasSubstr("auth_required"));
  EXPECT_EQ(around_->reason, ErrorCode::auth_required);
}

TEST_F(BasicAuthTest, lets_in_who_knows_the_password) {
  EXPECT_EQ(as("alice:secret").fields, "Identity: alice\nHost: shop.example\n");
  EXPECT_EQ(as("bob:secret").status, 200);
  for (const char* wrong : {"alice:Secret", "alice:", "carol:secret", "alice:secret2", ":secret"}) {
    EXPECT_EQ(as(wrong).status, 401) << wrong;
  }
}

TEST_F(BasicAuthTest, remembers_who_was_right_and_forgets_it_with_the_hash) {
  EXPECT_EQ(as("alice:secret").status, 200);
  EXPECT_EQ(as("alice:secret").status, 200);
  EXPECT_EQ(as("alice:wrong").status, 401);
  EXPECT_EQ(as("bob:secret").status, 200);
  write("alice:" + kOther.substr(0, kOther.size() - 1) + "J\nbob:" + kOther + "\n");
  load();
  EXPECT_EQ(as("alice:secret").status, 401);
  EXPECT_EQ(as("bob:secret").status, 200);
}

TEST_F(BasicAuthTest, tells_the_origin_who_it_is_only_where_asked) {
  EXPECT_THAT(as("alice:secret").fields, Not(HasSubstr("X-User")));
  config_.user_header = "X-User";
  load();
  test::Answer answer = ask({.headers = {authorization("alice:secret"),
                                         {"x-user", "root"},
                                         {"X_User", "root"},
                                         {"Connection", "X-User"}}});
  EXPECT_EQ(answer.fields, "Identity: alice\nHost: shop.example\nX-User: alice\n");
}

// ATTACKS 37: two values of what may have one.
TEST_F(BasicAuthTest, takes_no_second_authorization) {
  auto both = ask({.headers = {authorization("alice:secret"), authorization("alice:secret")}});
  EXPECT_EQ(both.status, 401);
}

TEST_F(BasicAuthTest, refuses_clients_that_are_wrong_too_often) {
  config_.failures = {3, 1min};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(as("alice:" + std::to_string(i)).status, 401);
  test::Answer answer = as("alice:secret");
  EXPECT_EQ(answer.error.code, ErrorCode::auth_failures);
  EXPECT_EQ(answer.error.retry_after, 20);
  EXPECT_EQ(as("alice:secret", "192.0.2.8:1").status, 200);
  load();  // a reload is no pardon
  EXPECT_EQ(as("bob:secret").error.code, ErrorCode::auth_failures);
  // Who is known here need not try.
  EXPECT_EQ(as("alice:secret").status, 200);
}

TEST_F(BasicAuthTest, counts_no_request_without_credentials) {
  config_.failures = {1, 1min};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask({}).status, 401);
  EXPECT_EQ(as("alice:secret").status, 200);
}

TEST_F(BasicAuthTest, refuses_files_that_it_cannot_use) {
  write("alice:secret\n");
  config::Diagnostics diagnostics;
  BasicAuthMiddleware broken(config_, BuildParts{upstreams_, states_, states_, diagnostics});
  EXPECT_THAT(diagnostics.render(), HasSubstr("/users: line 1: the user \"alice\""));
}

// --- on a real loop, with threads ---------------------------------------------------------------

Task<void> ask_into(Loop& loop, const Handler& handler, test::Asked asked, int& good) {
  test::Answer answer = co_await test::answer_of(loop, handler, std::move(asked));
  good += answer.status == 200;
}

Task<void> ask_often(Loop& loop, const Handler& handler, test::Asked asked, int times, int& good) {
  Scope scope;
  for (int i = 0; i < times; ++i) scope.spawn(ask_into(loop, handler, asked, good));
  EXPECT_EQ(good, 0);  // nobody is answered before the loop has turned
  co_await scope.join();
}

// More than may wait for a thread, and more than a client may try: it is one comparison.
TEST_F(BasicAuthTest, compares_once_for_all_requests_of_a_page) {
  load();
  std::unique_ptr<Loop> loop = std::move(make_epoll_loop(0, 1).value());
  int good = 0;
  test::run(*loop,
            ask_often(*loop, *around_, {.headers = {authorization("alice:secret")}}, 200, good));
  EXPECT_EQ(good, 200);
}

}  // namespace
}  // namespace weir

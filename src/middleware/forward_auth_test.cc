#include "middleware/forward_auth.h"

#include <gmock/gmock.h>

#include "http/h1/scripted_origin.h"
#include "http/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::Asked;
using test::Script;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kYes =
    "HTTP/1.1 200 OK\r\nX-User: alice\r\nX-Groups: a\r\nX-Groups: b\r\nX-Other: 1\r\n"
    "Set-Cookie: no=1\r\nContent-Length: 2\r\n\r\nok";

/// Tells what it was asked.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    ++asked;
    Response response(exchange.arena());
    response.status = 201;
    for (const Header& each : exchange.request().headers) {
      response.headers.add(each.name(), each.value());
    }
    co_return response;
  }
  mutable int asked = 0;
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

class ForwardAuthTest : public ::testing::Test {
 protected:
  ForwardAuthTest()
      : loop_(world_.add_loop("10.0.0.1")), cluster_(std::make_shared<Cluster>("auth")) {
    options_.exchange = {{}, {}, 10s, 10s};
    options_.pool.max_idle = 0;
    config_.upstream.value = "auth";
    config_.copy = {"X-User", "X-Groups"};
    says(kYes);
  }
  ~ForwardAuthTest() override {
    test::run(loop_, forget(loop_, *cluster_));
    world_.stop_tasks();
    world_.run();
    retired_.clear();
    origin_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }
  static Task<void> forget(Loop& loop, Cluster& cluster) {
    loop.slots().erase(cluster.worker_key());
    co_return;
  }
  void says(std::string_view answer) { begin({test::answers(answer)}); }
  void begin(std::vector<Script> scripts) {
    std::string address = "10.0.0." + std::to_string(++last_) + ":80";
    retired_.push_back(std::move(origin_));
    origin_ = std::make_unique<test::ScriptedOrigin>(world_, address, std::move(scripts));
    cluster_->update("", {{origin_->address(), 1}});
  }

  test::Answer ask(Asked asked = {}) {
    config::Diagnostics diagnostics;
    Upstreams upstreams{{"auth", std::make_shared<Upstream>(cluster_, options_)}};
    NamedStates states;
    ForwardAuthMiddleware middleware(config_, BuildParts{upstreams, states, states, diagnostics});
    Around around(middleware, service_);
    test::Answer answer = test::run(loop_, test::answer_of(loop_, around, std::move(asked)));
    reason_ = around.reason;
    return answer;
  }
  std::string question() { return origin_->received(origin_->connections() - 1); }

  SimWorld world_{1};
  SimLoop& loop_;
  std::shared_ptr<Cluster> cluster_;
  std::vector<std::unique_ptr<test::ScriptedOrigin>> retired_;
  std::unique_ptr<test::ScriptedOrigin> origin_;
  int last_ = 1;
  UpstreamOptions options_;
  ForwardAuthConfig config_;
  Service service_;
  ErrorCode reason_ = ErrorCode::none;
};

TEST_F(ForwardAuthTest, lets_a_request_go_on_with_the_headers_of_the_list) {
  EXPECT_EQ(ask().fields, "Host: shop.example\nX-User: alice\nX-Groups: a\nX-Groups: b\n");
  EXPECT_EQ(service_.asked, 1);
  EXPECT_EQ(reason_, ErrorCode::none);
}

TEST_F(ForwardAuthTest, says_what_the_request_is_about) {
  config_.target = "/verify?strict";
  ask({.method = "DELETE", .target = "/a/../b%2e?q=1", .headers = {{"Cookie", "s=1"}}});
  std::string head = question();
  EXPECT_THAT(head, HasSubstr("GET /verify?strict HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Host: 10.0.0.2:80\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Method: DELETE\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Uri: /b.?q=1\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Host: shop.example\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Proto: http\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 192.0.2.7\r\n"));
  EXPECT_THAT(head, HasSubstr("Cookie: s=1\r\n"));
}

// ATTACKS 17: the question is a message of its own, whatever the client's looked like.
TEST_F(ForwardAuthTest, sends_nothing_of_the_body_nor_of_its_framing) {
  ask({.method = "POST",
       .headers = {{"Content-Length", "44"},
                   {"Transfer-Encoding", "chunked"},
                   {"Content-Type", "text/plain"},
                   {"Expect", "100-continue"},
                   {"Connection", "upgrade, X-Dropped"},
                   {"X-Dropped", "1"},
                   {"If-None-Match", "*"},
                   {"Range", "bytes=0-0"}}});
  std::string head = question();
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  for (const char* gone :
       {"Content-", "Transfer-Encoding", "Expect", "X-Dropped", "If-", "Range:", "100-continue"}) {
    EXPECT_THAT(head, Not(HasSubstr(gone)));
  }
}

// ATTACKS 17, 35 and 36: what the client claims to be reaches neither the service nor the origin.
TEST_F(ForwardAuthTest, removes_what_a_client_claims) {
  says("HTTP/1.1 204 No Content\r\n\r\n");
  test::Answer answer = ask({.headers = {{"X-User", "root"},
                                         {"x_user", "root"},
                                         {"X-Groups", "root"},
                                         {"X-Forwarded-Uri", "/public"},
                                         {"X-Forwarded-Method", "HEAD"},
                                         {"X_Forwarded_Uri", "/public"},
                                         {"X-Forwarded-For", "10.0.0.1"},
                                         {"X-Real-Ip", "10.0.0.1"},
                                         {"Forwarded", "for=10.0.0.1"}}});
  EXPECT_THAT(answer.fields, Not(HasSubstr("root")));
  std::string head = question();
  for (const char* claim : {"root", "/public", "10.0.0.1\r", "_", "HEAD"}) {
    EXPECT_THAT(head, Not(HasSubstr(claim)));
  }
}

TEST_F(ForwardAuthTest, keeps_what_the_service_says_from_the_clients_connection_field) {
  test::Answer answer = ask({.headers = {{"Connection", "X-User"}}});
  EXPECT_EQ(answer.fields, "Host: shop.example\nX-User: alice\nX-Groups: a\nX-Groups: b\n");
}

TEST_F(ForwardAuthTest, gives_the_client_any_other_answer) {
  says(
      "HTTP/1.1 302 Found\r\nLocation: /login\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
      "Server: auth\r\nContent-Length: 6\r\n\r\nlog in");
  test::Answer answer = ask();
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.fields, "Location: /login\nSet-Cookie: a=1\nSet-Cookie: b=2\n");
  EXPECT_EQ(answer.body, "log in");
  EXPECT_EQ(service_.asked, 0);
  EXPECT_EQ(reason_, ErrorCode::auth_denied);
  says("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n");
  answer = ask();
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.fields, "WWW-Authenticate: Bearer\n");
}

TEST_F(ForwardAuthTest, lets_nobody_in_while_the_service_fails) {
  begin({test::answers("HTTP/1.1 garbage\r\n\r\n")});
  EXPECT_EQ(ask().error.code, ErrorCode::auth_unavailable);
  begin({test::answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n\r\n")});
  EXPECT_EQ(ask().error.code, ErrorCode::auth_unavailable);
  cluster_->update("", {});
  EXPECT_EQ(ask().error.code, ErrorCode::auth_unavailable);
  EXPECT_EQ(service_.asked, 0);
}

TEST_F(ForwardAuthTest, waits_for_an_answer_no_longer_than_it_may) {
  config_.timeout = 2s;
  begin({test::answers("")});
  TimePoint began = loop_.now();
  EXPECT_EQ(ask().error.code, ErrorCode::auth_unavailable);
  EXPECT_GE(loop_.now() - began, 2s);
  EXPECT_LT(loop_.now() - began, 3s);
}

TEST_F(ForwardAuthTest, bounds_the_answer_that_it_passes_on) {
  auto denies_with = [&](std::size_t bytes) {
    std::string answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: " + std::to_string(bytes) +
                         "\r\n\r\n" + std::string(bytes, 'x');
    says(answer);
    return ask();
  };
  EXPECT_EQ(denies_with(ForwardAuthMiddleware::kMostBytes - 1).status, 403);
  EXPECT_EQ(denies_with(ForwardAuthMiddleware::kMostBytes).body.size(),
            ForwardAuthMiddleware::kMostBytes);
  EXPECT_EQ(denies_with(ForwardAuthMiddleware::kMostBytes + 1).error.code,
            ErrorCode::auth_unavailable);
}

// ATTACKS 55: with every method, those without a path too.
TEST_F(ForwardAuthTest, asks_about_every_method) {
  ask({.method = "CONNECT", .target = "a.example:443"});
  EXPECT_THAT(question(), HasSubstr("X-Forwarded-Uri: a.example:443\r\n"));
  ask({.method = "OPTIONS", .target = "*"});
  EXPECT_THAT(question(), HasSubstr("X-Forwarded-Uri: *\r\n"));
  EXPECT_EQ(service_.asked, 2);
}

}  // namespace
}  // namespace weir

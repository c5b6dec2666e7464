#include "handler/reverse_proxy.h"

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

constexpr std::string_view kHello =
    "HTTP/1.1 200 OK\r\nServer: origin/1\r\nX-Powered-By: engine\r\nX-Kept: yes\r\n"
    "Content-Length: 5\r\n\r\nhello";

class ReverseProxyTest : public ::testing::Test {
 protected:
  ReverseProxyTest()
      : loop_(world_.add_loop("10.0.0.1")), cluster_(std::make_shared<Cluster>("api")) {
    origin_ = std::make_unique<test::ScriptedOrigin>(world_, "10.0.0.2:80",
                                                     std::vector<Script>{test::answers(kHello)});
    cluster_->update("", {{origin_->address(), 1}});
    upstream_.exchange = {{}, {}, 10s, 10s};
    upstream_.pool.max_idle = 0;
    config_.upstream.value = "api";
  }
  ~ReverseProxyTest() override {
    test::run(loop_, forget(loop_, *cluster_));
    world_.stop_tasks();
    world_.run();
    origin_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }
  static Task<void> forget(Loop& loop, Cluster& cluster) {
    loop.slots().erase(cluster.worker_key());
    co_return;
  }

  test::Answer ask(Asked asked = {}) {
    config::Diagnostics diagnostics;
    Upstreams upstreams{{"api", std::make_shared<Upstream>(cluster_, upstream_)}};
    NamedStates states;
    ReverseProxy proxy(config_, {upstreams, states, states, diagnostics});
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    return test::run(loop_, test::answer_of(loop_, proxy, std::move(asked)));
  }
  /// The head that the origin got.
  std::string sent(Asked asked = {}) {
    EXPECT_EQ(ask(std::move(asked)).status, 200);
    return origin_->received(origin_->connections() - 1);
  }
  void set(config::Map<config::Located<std::string>>& map, std::string name, std::string value) {
    config::Located<std::string> located;
    located.value = std::move(value);
    map.entries.push_back({std::move(name), {}, std::move(located)});
  }

  SimWorld world_{1};
  SimLoop& loop_;
  std::shared_ptr<Cluster> cluster_;
  std::unique_ptr<test::ScriptedOrigin> origin_;
  UpstreamOptions upstream_;
  ReverseProxyConfig config_;
};

// --- the target --------------------------------------------------------------------------------

TEST_F(ReverseProxyTest, forwards_what_was_matched) {
  EXPECT_THAT(sent({.target = "/a/../b/%61?q=%2f"}), HasSubstr("GET /b/a?q=%2f HTTP/1.1\r\n"));
}

TEST_F(ReverseProxyTest, strips_a_prefix_only_at_the_boundary_of_a_segment) {
  config_.strip_prefix = "/api";
  EXPECT_THAT(sent({.target = "/api/x?y"}), HasSubstr("GET /x?y "));
  EXPECT_THAT(sent({.target = "/api"}), HasSubstr("GET / "));
  EXPECT_THAT(sent({.target = "/api?y"}), HasSubstr("GET /?y "));
  EXPECT_THAT(sent({.target = "/api/"}), HasSubstr("GET / "));
  EXPECT_THAT(sent({.target = "/apiary"}), HasSubstr("GET /apiary "));
  EXPECT_THAT(sent({.target = "/x/api"}), HasSubstr("GET /x/api "));
  config_.strip_prefix = "/api/";
  EXPECT_THAT(sent({.target = "/api/x"}), HasSubstr("GET /x "));
}

// --- Host --------------------------------------------------------------------------------------

TEST_F(ReverseProxyTest, keeps_or_replaces_the_host) {
  EXPECT_THAT(sent(), HasSubstr("Host: shop.example\r\n"));
  config_.host = "upstream";
  EXPECT_THAT(sent(), HasSubstr("Host: 10.0.0.2:80\r\n"));
  config_.host = "inner.example";
  std::string named = sent();
  EXPECT_THAT(named, HasSubstr("Host: inner.example\r\n"));
  EXPECT_THAT(named, HasSubstr("X-Forwarded-Host: shop.example\r\n"));
}

TEST_F(ReverseProxyTest, names_the_endpoint_to_the_origin_when_the_client_named_no_host) {
  std::string head = sent({.host = "", .version = Version::http_1_0});
  EXPECT_THAT(head, HasSubstr("Host: 10.0.0.2:80\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("X-Forwarded-Host")));
  EXPECT_THAT(head, HasSubstr("Via: 1.0 weir\r\n"));
}

// --- what the origin learns of the client ------------------------------------------------------

TEST_F(ReverseProxyTest, tells_the_origin_about_the_client) {
  std::string head = sent();
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 192.0.2.7\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Proto: http\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Host: shop.example\r\n"));
  EXPECT_THAT(head, HasSubstr("Via: 1.1 weir\r\n"));
  EXPECT_THAT(head, ::testing::ContainsRegex("X-Request-Id: [0-9a-f]{32}\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Forwarded: for")));
}

const std::vector<std::pair<std::string, std::string>> kClaims = {
    {"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-For", "7.7.7.7"},
    {"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "evil.example"},
    {"Forwarded", "for=6.6.6.6"},   {"Via", "1.1 before"}};

TEST_F(ReverseProxyTest, believes_no_client_that_it_does_not_trust) {
  config_.forwarded.forwarded = true;
  std::string head = sent({.headers = kClaims});
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 192.0.2.7\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Proto: http\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Host: shop.example\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nForwarded: for=192.0.2.7;host=\"shop.example\";proto=http\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("6.6.6.6")));
  EXPECT_THAT(head, Not(HasSubstr("7.7.7.7")));
}

TEST_F(ReverseProxyTest, goes_on_with_what_a_trusted_proxy_says) {
  config_.forwarded.forwarded = true;
  std::string head = sent({.headers = kClaims, .trusted = true});
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 6.6.6.6, 7.7.7.7, 192.0.2.7\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-Host: evil.example\r\n"));
  EXPECT_THAT(head, HasSubstr("Forwarded: for=6.6.6.6, for=192.0.2.7;"));
  EXPECT_THAT(head, HasSubstr("Via: 1.1 before, 1.1 weir\r\n"));
}

TEST_F(ReverseProxyTest, passes_no_claims_on_when_it_makes_none_itself) {
  config_.forwarded = {.x_forwarded = false, .forwarded = false, .via = false, .request_id = false};
  std::string head = sent({.headers = kClaims});
  EXPECT_THAT(head, Not(HasSubstr("orwarded")));
  EXPECT_THAT(head, Not(HasSubstr("weir")));
  EXPECT_THAT(head, Not(HasSubstr("X-Request-Id")));
  EXPECT_THAT(sent({.headers = kClaims, .trusted = true}), HasSubstr("for=6.6.6.6\r\n"));
}

TEST_F(ReverseProxyTest, writes_an_ipv6_client_as_the_fields_want_it) {
  config_.forwarded.forwarded = true;
  std::string head = sent({.peer = "[2001:db8::1]:4711"});
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 2001:db8::1\r\n"));
  EXPECT_THAT(head, HasSubstr("Forwarded: for=\"[2001:db8::1]\";"));
}

// --- fields ------------------------------------------------------------------------------------

TEST_F(ReverseProxyTest, passes_end_to_end_fields_and_no_others) {
  std::string head = sent({.headers = {{"Connection", "close, X-Hop"},
                                       {"X-Hop", "1"},
                                       {"Keep-Alive", "timeout=5"},
                                       {"Proxy-Connection", "keep-alive"},
                                       {"TE", "gzip"},
                                       {"Transfer-Encoding", "chunked"},
                                       {"Content-Length", "7"},
                                       {"Expect", "100-continue"},
                                       {"Accept", "text/html"},
                                       {"Cookie", "a=b"}}});
  for (const char* gone : {"Connection", "X-Hop", "Keep-Alive", "TE:", "Transfer-Encoding",
                           "Content-Length", "Expect"}) {
    EXPECT_THAT(head, Not(HasSubstr(gone)));
  }
  EXPECT_THAT(head, HasSubstr("Accept: text/html\r\nCookie: a=b\r\n"));
}

TEST_F(ReverseProxyTest, drops_names_with_an_underscore) {
  std::string head = sent({.headers = {{"X_Forwarded_For", "6.6.6.6"}, {"X-Ok", "a_b"}}});
  EXPECT_THAT(head, Not(HasSubstr("X_")));
  EXPECT_THAT(head, HasSubstr("X-Ok: a_b\r\n"));
}

TEST_F(ReverseProxyTest, asks_the_origin_for_the_protocol_that_the_client_wants) {
  std::string head =
      sent({.headers = {{"Connection", "upgrade"}, {"Upgrade", "echo"}}, .upgrade = "echo"});
  EXPECT_THAT(head, HasSubstr("Connection: upgrade\r\nUpgrade: echo\r\n"));
}

TEST_F(ReverseProxyTest, changes_the_fields_of_the_request_as_configured) {
  set(config_.request_headers.set, "X-Team", "${method} ${client_ip}");
  set(config_.request_headers.add, "Accept", "text/plain");
  config_.request_headers.remove = {"cookie"};
  std::string head = sent({.headers = {{"Accept", "text/html"}, {"Cookie", "a"}, {"X-Team", "b"}}});
  EXPECT_THAT(head, HasSubstr("X-Team: GET 192.0.2.7\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("X-Team: b")));
  EXPECT_THAT(head, HasSubstr("Accept: text/html\r\n"));
  EXPECT_THAT(head, HasSubstr("Accept: text/plain\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Cookie")));
}

TEST_F(ReverseProxyTest, changes_the_fields_of_the_response_as_configured) {
  set(config_.response_headers.set, "X-Status", "${status}");
  config_.response_headers.remove = {"X-Kept"};
  test::Answer answer = ask();
  EXPECT_THAT(answer.fields, HasSubstr("X-Status: 200\n"));
  EXPECT_THAT(answer.fields, Not(HasSubstr("X-Kept")));
}

TEST_F(ReverseProxyTest, hides_what_the_origin_is_made_of) {
  test::Answer answer = ask();
  EXPECT_EQ(answer.fields, "X-Kept: yes\nVia: 1.1 weir\n");
  EXPECT_EQ(answer.body, "hello");
  config_.forwarded.via = false;
  EXPECT_EQ(ask().fields, "X-Kept: yes\n");
}

// --- timeouts and errors -----------------------------------------------------------------------

TEST_F(ReverseProxyTest, takes_its_own_timeouts_before_those_of_the_upstream) {
  auto silent = std::make_unique<test::ScriptedOrigin>(
      world_, "10.0.0.3:80", std::vector<Script>{{test::read_head(), test::listen_on()}});
  cluster_->update("", {{silent->address(), 1}});
  config_.timeouts.response = 2s;
  upstream_.retries.attempts = 1;
  TimePoint before = loop_.now();
  test::Answer answer = ask();
  EXPECT_EQ(answer.error.code, ErrorCode::response_timeout);
  EXPECT_EQ(answer.error.origin, Origin::upstream);
  EXPECT_LT(loop_.now() - before, 3s);
  world_.stop_tasks();
  world_.run();
}

}  // namespace
}  // namespace weir

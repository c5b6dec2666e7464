#include "middleware/rewrite.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

/// Tells the target that it sees.
class Service final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    const Target& target = exchange.request().target;
    EXPECT_TRUE(target.path_query.starts_with(target.path));
    Response response(exchange.arena());
    response.headers.add("Target", target.path_query);
    response.headers.add("Query", target.query);
    response.headers.add("Raw", target.raw);
    co_return response;
  }
};

class Around final : public Handler {
 public:
  Around(const RewriteMiddleware& middleware, const Service& service)
      : middleware_(middleware), service_(service) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    return middleware_.handle(exchange, Next({}, service_));
  }

 private:
  const RewriteMiddleware& middleware_;
  const Service& service_;
};

class RewriteTest : public ::testing::Test {
 protected:
  test::Answer ask(test::Asked asked) {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    config::Diagnostics diagnostics;
    RewriteMiddleware rewrite(config_, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    Around around(rewrite, service_);
    return test::run(loop, test::answer_of(loop, around, std::move(asked)));
  }
  /// The target as what follows sees it, or the reason of a refusal.
  std::string rewritten(std::string target, std::string method = "GET") {
    test::Answer answer = ask({.method = std::move(method), .target = std::move(target)});
    if (answer.status != 200) return std::string(name(answer.error.code));
    std::size_t begin = answer.fields.find(' ') + 1;
    return answer.fields.substr(begin, answer.fields.find('\n') - begin);
  }
  std::string refusal() {
    config::Diagnostics diagnostics;
    RewriteMiddleware rewrite(config_, diagnostics);
    EXPECT_FALSE(diagnostics.ok());
    return diagnostics.render();
  }

  RewriteConfig config_;
  Service service_;
};

TEST_F(RewriteTest, gives_every_path_another) {
  config_.to.value = "/index.php";
  EXPECT_EQ(rewritten("/a/b"), "/index.php");
  EXPECT_EQ(rewritten("/a/b?x=1"), "/index.php?x=1");
  config_.to.value = "/app${path}";
  EXPECT_EQ(rewritten("/a/b"), "/app/a/b");
}

TEST_F(RewriteTest, replaces_a_prefix_at_the_boundary_of_a_segment) {
  config_.prefix = "/old";
  config_.to.value = "/new/";
  EXPECT_EQ(rewritten("/old/x?y=1"), "/new/x?y=1");
  EXPECT_EQ(rewritten("/old"), "/new/");
  EXPECT_EQ(rewritten("/older"), "/older");
  EXPECT_EQ(rewritten("/x/old"), "/x/old");
  config_.to.value = "/";
  EXPECT_EQ(rewritten("/old/x"), "/x");
  EXPECT_EQ(rewritten("/old"), "/");
  config_.prefix = "/";
  config_.to.value = "/app";
  EXPECT_EQ(rewritten("/"), "/app/");
  EXPECT_EQ(rewritten("/x"), "/app/x");
}

TEST_F(RewriteTest, puts_in_what_a_regex_captured) {
  config_.regex.value = "/user/(\\d+)(/.*)?";
  config_.to.value = "/u$2?id=$1";
  EXPECT_EQ(rewritten("/user/42/x?old=1"), "/u/x?id=42");
  EXPECT_EQ(rewritten("/user/42"), "/u?id=42");
  EXPECT_EQ(rewritten("/user/x"), "/user/x");
  config_.to.value = "/u?id=$1&${query}";
  EXPECT_EQ(rewritten("/user/42?old=1"), "/u?id=42&old=1");
  config_.to.value = "/u/$1";
  EXPECT_EQ(rewritten("/user/42?old=1"), "/u/42?old=1");
}

TEST_F(RewriteTest, keeps_for_the_log_what_was_sent) {
  config_.to.value = "/b";
  EXPECT_EQ(ask({.target = "/a/./?q"}).fields, "Target: /b?q\nQuery: q\nRaw: /a/./?q\n");
}

TEST_F(RewriteTest, leaves_requests_without_a_path_alone) {
  config_.to.value = "/b";
  EXPECT_EQ(rewritten("*", "OPTIONS"), "*");
  EXPECT_EQ(rewritten("a.test:443", "CONNECT"), "");
}

TEST_F(RewriteTest, normalises_the_new_path_as_that_of_a_client) {
  config_.regex.value = "/x/(.*)";
  config_.to.value = "/a//%62/$1";
  EXPECT_EQ(rewritten("/x/c"), "/a/b/c");
  config_.to.value = "/a\\$1";
  EXPECT_EQ(rewritten("/x/b"), "bad_target");
  config_.to.value = "/a b";
  EXPECT_EQ(rewritten("/x/b"), "bad_target");
}

// ATTACKS 33 and 41: a rewrite must not make of a request what its route would not have let in.
TEST_F(RewriteTest, attack_41_lets_no_value_climb_out_of_its_segment) {
  config_.to.value = "/files/${query.name}";
  EXPECT_EQ(rewritten("/get?name=../admin"), "bad_target");  // a slash in a segment
  EXPECT_EQ(rewritten("/get?name=..%2fadmin"), "bad_target");
  config_.to.value = "/files/${query.name}?";
  EXPECT_EQ(rewritten("/get?name=a%3fb%23c"), "/files/a%3Fb%23c?");
  for (const char* dots : {".", "..", "%2e%2e", "%2E."}) {
    EXPECT_EQ(rewritten(std::string("/get?name=") + dots), "bad_target") << dots;
  }
  config_.to.value = "/files/.${query.name}/x";
  EXPECT_EQ(rewritten("/get?name=."), "bad_target");
  EXPECT_EQ(rewritten("/get?name=.."), "/files/.../x?name=..");
  config_.regex.value = "/get/(.*)";
  config_.to.value = "/find?name=$1&admin=0";
  EXPECT_EQ(rewritten("/get/x&admin=1"), "/find?name=x%26admin%3D1&admin=0");
}

// An escape that captures cut apart does not become another one.
TEST_F(RewriteTest, attack_41_checks_again_what_captures_put_together) {
  config_.regex.value = "/(.)/(.*)";
  config_.to.value = "/%$1$2";
  EXPECT_EQ(rewritten("/2/f"), "bad_target");
  EXPECT_EQ(rewritten("/0/0"), "bad_target");
  EXPECT_EQ(rewritten("/2/e."), "bad_target");
  EXPECT_EQ(rewritten("/4/1"), "/A");
}

// nginx CVE-2026-42945: the length was counted with one way of escaping, the bytes were copied with
// another. Every byte that can stand in a path, captured, goes into each place that escapes.
TEST_F(RewriteTest, attack_41_escapes_every_captured_byte_whole_in_every_place) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  config_.regex.value = "/in/(.*)";
  for (const char* to : {"/$1", "/a/$1/b", "/x?v=$1", "/x?v=$1&w=$1", "/$1$1$1?$1"}) {
    config_.to.value = to;
    for (int byte = 1; byte < 256; ++byte) {
      if (byte == '/' || byte == '\\' || byte == '.') continue;  // segments: tested above
      std::string escape = {'%', kHex[std::size_t(byte) / 16], kHex[std::size_t(byte) % 16]};
      std::string out = rewritten("/in/" + escape + escape + escape);
      if (out == "bad_target") continue;
      // Nothing is cut, nothing stands there bare that would mean something else.
      EXPECT_EQ(out.find_first_of(std::string_view(" \0\r\n#", 5)), std::string::npos) << out;
      EXPECT_LE(std::ranges::count(out, '?'), 1) << out;
      std::size_t at = 0;
      while ((at = out.find('%', at)) != std::string::npos) {
        ASSERT_LE(at + 3, out.size()) << out;
        EXPECT_TRUE(std::isxdigit(static_cast<unsigned char>(out[at + 1])) &&
                    std::isxdigit(static_cast<unsigned char>(out[at + 2])))
            << out;
        at += 3;
      }
    }
  }
}

// A matcher that goes back would not be done before the sun is: this test would not end.
TEST_F(RewriteTest, attack_42_no_regex_takes_longer_than_its_text_is_long) {
  for (const char* regex : {"/(a+)+$", "/(a|aa)+$", "/(.*a){20}b", "/((a?){30}){30}b"}) {
    config_.regex.value = regex;
    config_.to.value = "/b";
    std::string path = "/" + std::string(6000, 'a') + "!";
    EXPECT_EQ(rewritten(path), path) << regex;
  }
}

TEST_F(RewriteTest, attack_42_a_regex_that_takes_too_much_memory_is_refused) {
  config_.regex.value = "/((((a{100}){100}){100}){100})";
  config_.to.value = "/b";
  EXPECT_NE(refusal(), "");
}

TEST_F(RewriteTest, attack_41_bounds_the_new_target) {
  config_.regex.value = "/(.*)";
  config_.to.value = "/$1$1$1$1";
  auto grown = [&](std::size_t bytes) {
    return rewritten("/" + std::string((bytes - 1) / 4, 'a') + "?" +
                     std::string((bytes - 1) % 4 + 3, 'q'));
  };
  EXPECT_EQ(grown(RewriteMiddleware::kMostBytes - 5).size(), RewriteMiddleware::kMostBytes - 1);
  EXPECT_EQ(grown(RewriteMiddleware::kMostBytes - 4).size(), RewriteMiddleware::kMostBytes);
  EXPECT_EQ(grown(RewriteMiddleware::kMostBytes - 3), "target_too_long");
}

TEST_F(RewriteTest, refuses_what_cannot_be_compiled) {
  config_.regex.value = "(";
  config_.to.value = "/";
  EXPECT_THAT(refusal(), HasSubstr("cannot be used"));
  config_.regex.value = "/(a)";
  config_.to.value = "/$2";
  EXPECT_THAT(refusal(), HasSubstr("no group"));
  config_.regex.value = "";
  config_.to.value = "/$1";
  EXPECT_THAT(refusal(), HasSubstr("needs a \"regex\""));
}

TEST(RewriteConfig, takes_paths_as_requests_have_them) {
  for (const char* good : {"/", "/a", "/a/", "/a/b"}) {
    EXPECT_FALSE(check_rewrite_prefix(good)) << good;
  }
  for (const char* bad : {"a", "/a//b", "/a/../b", "/%41", "/a?b", "/a b"}) {
    EXPECT_TRUE(check_rewrite_prefix(bad)) << bad;
  }
  EXPECT_TRUE(check_rewrite_to("https://other.example/"));
}

}  // namespace
}  // namespace weir

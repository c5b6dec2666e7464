#include "handler/fastcgi.h"

#include <gmock/gmock.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "http/fastcgi/testing.h"
#include "http/h1/scripted_origin.h"
#include "http/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::Asked;
using test::end_of_input;
using test::end_request;
using test::output;
using test::read_until;
using test::say;
using test::Script;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

// --- which script ------------------------------------------------------------------------------

TEST(SplitScript, is_made_at_the_first_ending_of_a_segment) {
  struct Case {
    std::string_view path, script, info;
  };
  for (const Case& c :
       {Case{"a.php", "a.php", ""}, Case{"a.php/b/c", "a.php", "/b/c"},
        Case{"a.php/", "a.php", "/"}, Case{"a.php.bak", "", ""},
        Case{"a.phps/b.php", "a.phps/b.php", ""}, Case{"a.png/x.php", "a.png/x.php", ""},
        Case{"x.php/y.php", "x.php", "/y.php"}, Case{"a", "", ""}, Case{"", "", ""},
        Case{".php", ".php", ""}}) {
    weir::Script got = split_script(c.path, ".php");
    EXPECT_EQ(got.path, c.script) << c.path;
    EXPECT_EQ(got.info, c.info) << c.path;
  }
}

// U+212A, a letter that some programs fold to "k", must not be taken for it (CVE-2026-27590).
TEST(SplitScript, attack_39_compares_bytes) {
  EXPECT_EQ(split_script("a.PHP", ".php").path, "");
  EXPECT_EQ(split_script("a.Php/x", ".php").path, "");
  EXPECT_EQ(split_script("a.\xe2\x84\xaa/b.k", ".k").path, "a.\xe2\x84\xaa/b.k");
  EXPECT_EQ(split_script("\xc8\xba\xc8\xba\xc8\xba.txt", ".php").path, "");
}

/// A directory of its own, with `site` in it as the root.
class Folder {
 public:
  Folder() {
    std::string name = "/tmp/weir-fastcgi-XXXXXX";
    path_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(root());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string root() const { return path_ + "/site"; }
  const std::string& path() const { return path_; }
  void write(const std::string& name) const {
    std::string path = root() + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << "x";
  }

 private:
  std::string path_;
};

class FindScriptTest : public ::testing::Test {
 protected:
  FindScriptTest() : rules_{folder_.root(), ".php", "index.php", ""} {
    for (const char* name : {"index.php", "a.php", "blog/index.php", "a.png", "up/load.txt",
                             ".git/x.php", ".hidden.php", "dir.php/inner.php", "sp ace.php"}) {
      folder_.write(name);
    }
  }
  /// "script|info", or what else it is.
  std::string find(std::string_view path) {
    ScriptLookup found = find_script(rules_, path, arena_);
    switch (found.kind) {
      case ScriptLookup::Kind::script:
        return std::string(found.script.path) + "|" + std::string(found.script.info);
      case ScriptLookup::Kind::directory: return "directory";
      case ScriptLookup::Kind::missing: return "missing";
      case ScriptLookup::Kind::failed: return "failed";
    }
    return {};
  }

  Folder folder_;
  ScriptRules rules_;
  Arena arena_;
};

TEST_F(FindScriptTest, finds_files_and_the_scripts_of_directories) {
  EXPECT_EQ(find("a.php"), "a.php|");
  EXPECT_EQ(find("a.php/x/y"), "a.php|/x/y");
  EXPECT_EQ(find("sp ace.php"), "sp ace.php|");
  EXPECT_EQ(find(""), "index.php|");
  EXPECT_EQ(find("blog/"), "blog/index.php|");
  EXPECT_EQ(find("blog"), "directory");
  for (std::string_view none : {"b.php", "up/", "up", "a.png", "up/load.txt", "nothing/"}) {
    EXPECT_EQ(find(none), "missing") << none;
  }
}

TEST_F(FindScriptTest, attack_39_runs_nothing_but_a_regular_file_with_the_ending) {
  for (std::string_view none : {"a.png/x.php", "a.png/.php", "up/load.txt/x.php", "dir.php",
                                "dir.php/", "dir.php/inner.php", ".hidden.php", ".git/x.php",
                                "a.php\n", "a.php/x\ny", "a.php/\x7f", "a.php\\x"}) {
    EXPECT_EQ(find(none), "missing") << none;
  }
}

TEST_F(FindScriptTest, attack_40_does_not_leave_the_root) {
  std::ofstream(folder_.path() + "/secret.php") << "x";
  std::filesystem::create_symlink("../secret.php", folder_.root() + "/out.php");
  std::filesystem::create_symlink(folder_.path(), folder_.root() + "/up2");
  std::filesystem::create_symlink(".hidden.php", folder_.root() + "/to_hidden.php");
  std::filesystem::create_symlink("a.php", folder_.root() + "/in.php");
  EXPECT_EQ(find("out.php"), "missing");
  EXPECT_EQ(find("up2/secret.php"), "missing");
  EXPECT_EQ(find("to_hidden.php"), "missing");
  EXPECT_EQ(find("in.php"), "in.php|");
  ASSERT_EQ(::mkfifo((folder_.root() + "/pipe.php").c_str(), 0600), 0);
  EXPECT_EQ(find("pipe.php"), "missing");
}

TEST_F(FindScriptTest, needs_no_right_to_read_the_script) {
  std::filesystem::permissions(folder_.root() + "/a.php", std::filesystem::perms::none);
  EXPECT_EQ(find("a.php"), "a.php|");
}

TEST_F(FindScriptTest, falls_back_to_the_front_controller) {
  rules_.fallback = "index.php";
  EXPECT_EQ(find("a.php"), "a.php|");
  EXPECT_EQ(find("blog"), "directory");
  for (std::string_view none : {"a/pretty/url", "b.php", "a.png/x.php", "up/", ".git/config"}) {
    EXPECT_EQ(find(none), "index.php|") << none;
  }
  EXPECT_EQ(find("a\nb"), "missing");
  rules_.fallback = "none.php";
  EXPECT_EQ(find("a/pretty/url"), "missing");
}

TEST_F(FindScriptTest, is_missing_where_the_root_is) {
  rules_.root += "-gone";
  EXPECT_EQ(find("a.php"), "missing");
}

// --- what the application is told --------------------------------------------------------------

/// Of known length or not; comes in pieces.
class GivenBody final : public Body {
 public:
  GivenBody(std::string content, bool sized) : content_(std::move(content)), sized_(sized) {}
  Task<Result<Slice>> read() override {
    std::string piece = content_.substr(at_, 1000);
    at_ += piece.size();
    co_return piece.empty() ? Slice() : copy_slice(piece);
  }
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override {
    return sized_ ? std::optional<std::uint64_t>(content_.size()) : std::nullopt;
  }

 private:
  std::string content_;
  std::size_t at_ = 0;
  bool sized_;
};

/// Gives the request a body, as a session would.
class WithBody final : public Handler {
 public:
  WithBody(const Handler& handler, std::string content, bool sized)
      : handler_(handler), content_(std::move(content)), sized_(sized) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    exchange.request().body = exchange.own<GivenBody>(content_, sized_);
    return handler_.handle(exchange);
  }

 private:
  const Handler& handler_;
  std::string content_;
  bool sized_;
};

/// As behind a middleware that has found out who the client is.
class Identified final : public Handler {
 public:
  Identified(const Handler& handler, std::string_view name) : handler_(handler), name_(name) {}
  Task<Result<Response>> handle(Exchange& exchange) const override {
    exchange.set_identity(name_);
    return handler_.handle(exchange);
  }

 private:
  const Handler& handler_;
  std::string_view name_;
};

class FastCgiTest : public ::testing::Test {
 protected:
  FastCgiTest() : loop_(world_.add_loop("10.0.0.1")), cluster_(std::make_shared<Cluster>("php")) {
    for (const char* name : {"index.php", "a.php"}) folder_.write(name);
    answer(output("Server: x\nX-Powered-By: PHP/8\nX-Kept: yes\n\nhello") + end_request());
    upstream_.exchange = {{}, {}, 10s, 10s};
    upstream_.protocol = UpstreamProtocol::fastcgi;
    config_.upstream.value = "php";
    config_.root.value = folder_.root();
  }
  ~FastCgiTest() override {
    test::run(loop_, forget(loop_, *cluster_));
    world_.stop_tasks();
    world_.run();
    application_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }
  static Task<void> forget(Loop& loop, Cluster& cluster) {
    loop.slots().erase(cluster.worker_key());
    co_return;
  }
  void answer(std::string text) {
    Script one{read_until(end_of_input()), say(std::move(text))};
    Script script;
    for (int i = 0; i < 5; ++i) script.insert(script.end(), one.begin(), one.end());
    application_.reset();
    std::string address = "10.0.0.2:" + std::to_string(9000 + ++applications_);
    application_ =
        std::make_unique<test::ScriptedOrigin>(world_, address, std::vector<Script>{script});
    cluster_->update("", {{application_->address(), 1}});
  }

  test::Answer ask(Asked asked = {}, std::optional<std::string> body = {}, bool sized = true) {
    config::Diagnostics diagnostics;
    Upstreams upstreams{{"php", std::make_shared<Upstream>(cluster_, upstream_)}};
    NamedStates states;
    FastCgi handler(config_, {upstreams, states, states, diagnostics});
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    Identified identified(handler, identity_);
    if (!body) return test::run(loop_, test::answer_of(loop_, identified, std::move(asked)));
    WithBody with(handler, *body, sized);
    return test::run(loop_, test::answer_of(loop_, with, std::move(asked)));
  }
  test::SentToApplication received() {
    return test::sent_to_application(application_->received(application_->connections() - 1));
  }
  std::map<std::string, std::string> told(Asked asked = {}) {
    EXPECT_EQ(ask(std::move(asked)).status, 200);
    test::SentToApplication sent = received();
    EXPECT_THAT(sent.twice, IsEmpty());
    return sent.params;
  }

  Folder folder_;
  SimWorld world_{1};
  SimLoop& loop_;
  std::shared_ptr<Cluster> cluster_;
  std::unique_ptr<test::ScriptedOrigin> application_;
  int applications_ = 0;
  UpstreamOptions upstream_;
  FastCgiConfig config_;
  std::string identity_;
};

TEST_F(FastCgiTest, tells_who_the_client_is_and_not_its_password) {
  identity_ = "ann";
  auto params = told({.target = "/a.php", .headers = {{"Authorization", "Basic YW5uOngx"}}});
  EXPECT_EQ(params.at("REMOTE_USER"), "ann");
  EXPECT_EQ(params.at("AUTH_TYPE"), "Basic");
  EXPECT_THAT(params, Not(Contains(Key("HTTP_AUTHORIZATION"))));
  identity_ = "";  // nobody here has asked for it
  params = told({.target = "/a.php", .headers = {{"Authorization", "Basic YW5uOngx"}}});
  EXPECT_EQ(params.at("HTTP_AUTHORIZATION"), "Basic YW5uOngx");
  EXPECT_THAT(params, Not(Contains(Key("REMOTE_USER"))));
}

TEST_F(FastCgiTest, tells_the_script_what_cgi_says) {
  auto params = told({.target = "/a.php/b%20c?x=%2F&y", .host = "shop.example:8080"});
  std::map<std::string, std::string> expected{{"GATEWAY_INTERFACE", "CGI/1.1"},
                                              {"SERVER_PROTOCOL", "HTTP/1.1"},
                                              {"REQUEST_METHOD", "GET"},
                                              {"REQUEST_URI", "/a.php/b%20c?x=%2F&y"},
                                              {"QUERY_STRING", "x=%2F&y"},
                                              {"DOCUMENT_ROOT", folder_.root()},
                                              {"SCRIPT_FILENAME", folder_.root() + "/a.php"},
                                              {"SCRIPT_NAME", "/a.php"},
                                              {"PATH_INFO", "/b c"},
                                              {"SERVER_SOFTWARE", "weir"},
                                              {"SERVER_NAME", "shop.example"},
                                              {"SERVER_PORT", "8080"},
                                              {"REQUEST_SCHEME", "http"},
                                              {"REMOTE_ADDR", "192.0.2.7"},
                                              {"REMOTE_PORT", "4711"},
                                              {"REDIRECT_STATUS", "200"},
                                              {"HTTP_HOST", "shop.example:8080"}};
  EXPECT_THAT(params, Contains(Key("HTTP_X_REQUEST_ID")));
  params.erase("HTTP_X_REQUEST_ID");
  EXPECT_EQ(params, expected);
}

TEST_F(FastCgiTest, gives_the_answer_without_what_it_is_made_of) {
  test::Answer answer = ask({.target = "/"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.fields, "X-Kept: yes\n");
  EXPECT_EQ(answer.body, "hello");
}

TEST_F(FastCgiTest, has_an_empty_query_and_no_path_info_where_there_is_none) {
  auto params = told({.target = "/a.php"});
  EXPECT_EQ(params.at("QUERY_STRING"), "");
  EXPECT_THAT(params, Not(Contains(Key("PATH_INFO"))));
  EXPECT_THAT(params, Not(Contains(Key("CONTENT_LENGTH"))));
  EXPECT_THAT(params, Not(Contains(Key("HTTPS"))));
  EXPECT_EQ(params.at("SERVER_PORT"), "80");
}

TEST_F(FastCgiTest, sends_a_body_with_its_length) {
  std::string body(5000, 'b');
  EXPECT_EQ(ask({.method = "POST", .target = "/a.php", .headers = {{"Content-Type", "a/b"}}}, body)
                .status,
            200);
  EXPECT_EQ(received().body, body);
  EXPECT_EQ(received().params["CONTENT_LENGTH"], "5000");
  EXPECT_EQ(received().params["CONTENT_TYPE"], "a/b");
  EXPECT_THAT(received().params, Not(Contains(Key("HTTP_CONTENT_TYPE"))));
}

TEST_F(FastCgiTest, counts_a_body_that_comes_without_its_length) {
  config_.unsized_body = config::ByteSize{3000};
  for (std::size_t size : {0u, 2999u, 3000u}) {
    std::string body(size, 'b');
    EXPECT_EQ(ask({.method = "POST", .target = "/a.php"}, body, false).status, 200) << size;
    EXPECT_EQ(received().body, body);
    EXPECT_EQ(received().params["CONTENT_LENGTH"], std::to_string(size));
  }
  test::Answer answer = ask({.method = "POST", .target = "/a.php"}, std::string(3001, 'b'), false);
  EXPECT_EQ(answer.error.code, ErrorCode::length_required);
}

TEST_F(FastCgiTest, believes_only_trusted_proxies) {
  Asked asked{.headers = {{"X-Forwarded-Proto", "https"},
                          {"X-Forwarded-For", "198.51.100.1"},
                          {"Forwarded", "for=1"},
                          {"X-Forwarded-Host", "other.example"}}};
  auto params = told(asked);
  EXPECT_THAT(params, Not(Contains(Key("HTTPS"))));
  for (const char* name : {"HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED",
                           "HTTP_X_FORWARDED_HOST"}) {
    EXPECT_THAT(params, Not(Contains(Key(name))));
  }
  asked.trusted = true;
  params = told(asked);
  EXPECT_THAT(params, Contains(Pair("HTTPS", "on")));
  EXPECT_EQ(params.at("SERVER_PORT"), "443");
  EXPECT_THAT(params, Contains(Pair("HTTP_X_FORWARDED_FOR", "198.51.100.1")));
}

TEST_F(FastCgiTest, attack_39_passes_no_proxy_and_no_names_that_look_alike) {
  auto params = told({.headers = {{"Proxy", "evil:80"},
                                  {"X_Auth", "1"},
                                  {"Connection", "X-Gone"},
                                  {"X-Gone", "1"},
                                  {"Expect", "100-continue"}}});
  for (const char* name :
       {"HTTP_PROXY", "HTTP_X_AUTH", "HTTP_X_GONE", "HTTP_CONNECTION", "HTTP_EXPECT"}) {
    EXPECT_THAT(params, Not(Contains(Key(name)))) << name;
  }
}

TEST_F(FastCgiTest, has_variables_of_the_user_first) {
  auto set = [&](std::string name, std::string value) {
    config::Located<std::string> located;
    located.value = std::move(value);
    config_.params.entries.push_back({std::move(name), {}, std::move(located)});
  };
  set("APP_ENV", "production");
  set("SERVER_NAME", "fixed.example");
  set("CLIENT", "<${client_ip}>");
  set("HTTP_X_A", "own");
  config_.script_root = "/srv/app/";
  auto params = told({.headers = {{"X-A", "client"}}});
  EXPECT_EQ(params.at("APP_ENV"), "production");
  EXPECT_EQ(params.at("SERVER_NAME"), "fixed.example");
  EXPECT_EQ(params.at("CLIENT"), "<192.0.2.7>");
  EXPECT_EQ(params.at("HTTP_X_A"), "own");
  EXPECT_EQ(params.at("SCRIPT_FILENAME"), "/srv/app/index.php");
  EXPECT_EQ(params.at("DOCUMENT_ROOT"), "/srv/app");
}

TEST_F(FastCgiTest, strips_a_prefix_and_says_it_again_in_the_name_of_the_script) {
  config_.strip_prefix = "/blog/";
  auto params = told({.target = "/blog/a.php/x"});
  EXPECT_EQ(params.at("SCRIPT_NAME"), "/blog/a.php");
  EXPECT_EQ(params.at("SCRIPT_FILENAME"), folder_.root() + "/a.php");
  EXPECT_EQ(params.at("PATH_INFO"), "/x");
  EXPECT_EQ(params.at("REQUEST_URI"), "/blog/a.php/x");
  EXPECT_EQ(ask({.target = "/a.php"}).error.code, ErrorCode::not_found);
}

TEST_F(FastCgiTest, redirects_to_a_directory) {
  folder_.write("blog/index.php");
  test::Answer answer = ask({.target = "/blog?a=b"});
  EXPECT_EQ(answer.status, 308);
  EXPECT_THAT(answer.fields, HasSubstr("/blog/?a=b\n"));
}

TEST_F(FastCgiTest, asks_nobody_for_what_it_refuses) {
  EXPECT_EQ(ask({.target = "/b.php"}).error.code, ErrorCode::not_found);
  EXPECT_EQ(ask({.method = "OPTIONS", .target = "*"}).error.code, ErrorCode::not_found);
  EXPECT_EQ(ask({.method = "CONNECT", .target = "a:1"}).error.code, ErrorCode::method_not_allowed);
  EXPECT_EQ(ask({.headers = {{"Content-Type", "a/b"}, {"Content-Type", "c/d"}}}).error.code,
            ErrorCode::parse);
  EXPECT_EQ(application_->connections(), 0u);
}

TEST_F(FastCgiTest, opens_a_connection_for_each_request_unless_told_to_keep_them) {
  for (int i = 0; i < 3; ++i) ask();
  EXPECT_EQ(application_->connections(), 3u);
  EXPECT_FALSE(received().keep);
  config_.keep_connections = true;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask().body, "hello");
  EXPECT_EQ(application_->connections(), 4u);
  EXPECT_TRUE(received().keep);
}

TEST_F(FastCgiTest, tries_another_endpoint_when_one_does_not_look_at_the_request) {
  std::unique_ptr<test::ScriptedOrigin> good = std::move(application_);
  answer(end_request(2));
  cluster_->update("", {{application_->address(), 1}, {good->address(), 1}});
  upstream_.retries.attempts = 2;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ask({.method = "POST"}).body, "hello");
}

}  // namespace
}  // namespace weir

#include "upstream/health_check.h"

#include <gmock/gmock.h>

#include "config/parse.h"
#include "http/h1/scripted_origin.h"
#include "http/h2/test_origin.h"
#include "io/epoll_loop.h"
#include "io/tls/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace test;
using h2::testing::Fields;
using h2::testing::RawFields;
using h2::testing::RecordingStream;
using h2::testing::TestOrigin;
using On = TestOrigin::Connection;
using testing::HasSubstr;
using testing::StartsWith;

std::string ok_with(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

/// Checks of origins, two seconds at most each; gives why the endpoint is not well, or "well". The
/// first origin is at 10.0.0.9:80.
class HealthCheckTest : public ::testing::Test {
 protected:
  HealthCheckTest() : world_(1), loop_(world_.add_loop("10.0.0.1")) {}
  ~HealthCheckTest() override {
    world_.stop_tasks();
    world_.run();
    origins_.clear();
    http2_.clear();
    EXPECT_EQ(world_.check_clean(), "");
  }

  std::string check(const std::string& text, StopToken stop = {}) {
    config::Diagnostics diagnostics;
    auto document = config::read_text("weir.yaml", text, diagnostics);
    auto config = config::parse<HealthConfig>(document, diagnostics);
    auto made = make_health_check(config, "api", options_, diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
    auto endpoint = std::make_shared<Endpoint>(*Address::parse(address_), name_);
    TimePoint before = world_.now();
    CheckResult result =
        run(loop_, check_health(loop_, programs_, std::move(made), std::move(endpoint), stop));
    EXPECT_LE(world_.now() - before, 2100ms);
    return result ? "well" : result.error();
  }
  /// Another origin, that the checks go to from now on.
  ScriptedOrigin& serve(Script script) {
    next_address();
    origins_.push_back(
        std::make_unique<ScriptedOrigin>(world_, address_, std::vector<Script>{std::move(script)}));
    return *origins_.back();
  }
  std::string check_script(const std::string& text, Script script) {
    serve(std::move(script));
    return check(text);
  }
  std::string http(const std::string& options, std::string answer) {
    return check_script("{ " + options + " }", answers(answer));
  }
  TestOrigin& serve_http2(TestOrigin::Answer answer) {
    next_address();
    http2_.push_back(std::make_unique<TestOrigin>(world_, address_, std::move(answer), h2::Limits(),
                                                  server_tls_));
    return *http2_.back();
  }
  void next_address() {
    std::size_t number = 9 + origins_.size() + http2_.size();
    address_ = "10.0.0." + std::to_string(number) + ":80";
  }
  const std::string& received() const { return origins_.back()->received(); }
  void with_tls(std::vector<std::string> offered_by_origin) {
    site_.server.alpn = std::move(offered_by_origin);
    server_tls_ = server_profile(site_.server);
    site_.client.alpn = {"h2", "http/1.1"};
    options_.tls = client_profile(site_.client);
  }

  TestSite site_;
  SimWorld world_;
  SimLoop& loop_;
  ProgramRunner programs_{loop_};
  UpstreamOptions options_;
  std::shared_ptr<const TlsServerProfile> server_tls_;
  std::string address_ = "10.0.0.9:80";
  std::string name_ = "site.example";
  std::vector<std::unique_ptr<ScriptedOrigin>> origins_;
  std::vector<std::unique_ptr<TestOrigin>> http2_;
};

// --- HTTP --------------------------------------------------------------------------------------

TEST_F(HealthCheckTest, asks_for_health_of_the_endpoint_itself) {
  EXPECT_EQ(http("", ok_with("fine")), "well");
  EXPECT_THAT(received(), StartsWith("GET /health HTTP/1.1\r\nHost: site.example\r\n"));
  name_ = "";
  EXPECT_EQ(http("", ok_with("fine")), "well");
  EXPECT_THAT(received(), StartsWith("GET /health HTTP/1.1\r\nHost: 10.0.0.10:80\r\n"));
  EXPECT_EQ(http("path: \"/up?x=1\", host: a.example", ok_with("")), "well");
  EXPECT_THAT(received(), StartsWith("GET /up?x=1 HTTP/1.1\r\nHost: a.example\r\n"));
}

TEST_F(HealthCheckTest, expects_statuses) {
  EXPECT_EQ(http("", "HTTP/1.1 204 No Content\r\n\r\n"), "well");
  EXPECT_EQ(http("", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "status 302");
  EXPECT_EQ(http("status: [200, 300-399]", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
            "well");
  EXPECT_EQ(http("", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), "status 503");
  EXPECT_EQ(http("", "HTTP/1.1 100 Continue\r\n\r\n" + ok_with("x")), "well");
}

TEST_F(HealthCheckTest, expects_a_body) {
  EXPECT_EQ(http("body: \"db: up\"", ok_with("web: up, db: up")), "well");
  EXPECT_EQ(http("body: \"db: up\"", ok_with("web: up")), "the body lacks what is expected");
  EXPECT_EQ(http("body_regex: \"^(green|yellow)$\"", ok_with("yellow")), "well");
  EXPECT_EQ(http("body_regex: \"^(green|yellow)$\"", ok_with("red")),
            "the body does not match what is expected");
  EXPECT_EQ(http("body: ok", "HTTP/1.1 204 No Content\r\n\r\n"), "the body lacks what is expected");
}

TEST_F(HealthCheckTest, looks_at_64_kib_of_a_body) {
  std::string padding(64 * 1024 - 4, '.');
  EXPECT_EQ(http("body: last", ok_with(padding + "last")), "well");
  EXPECT_EQ(http("body: last", ok_with(padding + ".last")), "the body lacks what is expected");
  EXPECT_EQ(http("", ok_with(padding + padding)), "well") << "what is not asked for may be long";
}

TEST_F(HealthCheckTest, gives_an_answer_that_does_not_come_as_long_as_the_timeout) {
  EXPECT_EQ(check_script("{}", {listen_on()}), "answer: timeout");
  Script trickle{read_head()};
  for (char each : ok_with("fine")) {
    trickle.push_back(say(std::string(1, each)));
    trickle.push_back(pause(100ms));
  }
  EXPECT_EQ(check_script("{}", trickle), "answer: timeout");
  EXPECT_EQ(check_script("{}", {read_head(), pause(1900ms), say(ok_with("fine")), listen_on()}),
            "well");
  EXPECT_EQ(check_script("{}", {read_head(), pause(2s), say(ok_with("fine")), listen_on()}),
            "answer: timeout");
}

TEST_F(HealthCheckTest, takes_half_an_answer_for_none) {
  EXPECT_THAT(check_script("{}", {read_head(), say("HTTP/1.1 200 O")}), StartsWith("answer: "));
  EXPECT_THAT(check_script("{}", {read_head(), say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                                                   "half")}),
              StartsWith("answer: "));
  EXPECT_THAT(check_script("{}", {read_head()}), StartsWith("answer: "));
  EXPECT_THAT(check_script("{}", {read_head(), break_off()}), HasSubstr("reset"));
}

TEST_F(HealthCheckTest, takes_garbage_for_no_answer) {
  EXPECT_THAT(http("", "SSH-2.0-OpenSSH_9.2\r\n\r\n"), StartsWith("answer: "));
  EXPECT_THAT(http("", "\x16\x03\x01\x00\x05hello\r\n\r\n"s), StartsWith("answer: "));
  EXPECT_THAT(http("", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"),
              StartsWith("answer: "));
  EXPECT_THAT(http("", "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x')),
              StartsWith("answer: "));
}

TEST_F(HealthCheckTest, says_why_it_could_not_connect) {
  EXPECT_EQ(check("{}"), "connect: connect_refused");
  world_.network().black_hole(*Address::parse("10.0.0.9:80"));
  EXPECT_EQ(check("{}"), "connect: timeout");
  EXPECT_EQ(check("tcp"), "connect: timeout");
  world_.network().heal(*Address::parse("10.0.0.9:80"));
}

TEST_F(HealthCheckTest, goes_to_a_port_of_its_own) {
  origins_.push_back(std::make_unique<ScriptedOrigin>(
      world_, "10.0.0.9:9000", std::vector<Script>{answers(ok_with("fine"))}));
  EXPECT_EQ(check("{ port: 9000 }"), "well");
  EXPECT_THAT(received(), HasSubstr("Host: site.example:9000\r\n"));
}

TEST_F(HealthCheckTest, opens_a_connection_for_each_check_and_leaves_none) {
  ScriptedOrigin& origin = serve(answers(ok_with("fine"), 9));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(check("{}"), "well");
  world_.run_for(10ms);
  EXPECT_EQ(origin.connections(), 3u);
  EXPECT_EQ(world_.network().accepted_at(origin.address()).size(), 0u);
}

TEST_F(HealthCheckTest, ends_at_once_when_nobody_wants_it_any_more) {
  serve({listen_on()});
  StopSource stop;
  world_.after(300ms, [&] { stop.request(Error(ErrorCode::cancelled)); });
  TimePoint before = world_.now();
  EXPECT_EQ(check("{}", stop.token()), "answer: cancelled");
  EXPECT_LE(world_.now() - before, 400ms);
}

// --- HTTP/2 and TLS ----------------------------------------------------------------------------

TEST_F(HealthCheckTest, speaks_what_the_traffic_speaks) {
  options_.protocol = UpstreamProtocol::http2;
  TestOrigin& origin = serve_http2([](On& on, RecordingStream& stream) {
    EXPECT_EQ(stream.heads[0].path, "/health");
    return TestOrigin::ok(on, stream, "all is well");
  });
  EXPECT_EQ(check("{ body: all is well }"), "well");
  EXPECT_EQ(check("{ body: or not }"), "the body lacks what is expected");
  world_.run_for(10ms);
  EXPECT_EQ(origin.open(), 0u);
}

TEST_F(HealthCheckTest, verifies_the_certificate_as_for_traffic) {
  auto answer = [](On& on, RecordingStream& stream) { return TestOrigin::ok(on, stream); };
  with_tls({"h2"});
  serve_http2(answer);
  EXPECT_EQ(check("{}"), "well");
  EXPECT_EQ(check("tcp"), "well");
  site_.client.ca_file = site_.folder.write("other.pem", TestAuthority().pem());
  options_.tls = client_profile(site_.client);
  EXPECT_THAT(check("{}"), StartsWith("connect: tls_verify"));
  EXPECT_THAT(check("tcp"), StartsWith("connect: tls_verify"));
}

TEST_F(HealthCheckTest, is_in_clear_where_that_is_asked_for) {
  with_tls({"h2"});
  EXPECT_EQ(check_script("{ tls: false }", answers(ok_with("fine"))), "well");
  EXPECT_THAT(check_script("{}", answers(ok_with("fine"))), StartsWith("connect: "));
}

// --- TCP ---------------------------------------------------------------------------------------

TEST_F(HealthCheckTest, is_content_with_a_connection) {
  EXPECT_EQ(check_script("tcp", {listen_on()}), "well");
  EXPECT_EQ(check_script("tcp", {}), "well");
}

TEST_F(HealthCheckTest, says_something_and_reads_the_answer) {
  const char* redis = "{ type: tcp, send: \"PING\\r\\n\", expect: +PONG }";
  EXPECT_EQ(check_script(redis, {read_bytes(6), say("+PO"), pause(10ms), say("NG\r\n")}), "well");
  EXPECT_EQ(received(), "PING\r\n");
  EXPECT_EQ(check_script(redis, {read_bytes(6), say("-LOADING\r\n")}),
            "the answer ended without what is expected");
  EXPECT_EQ(check_script(redis, {read_bytes(6), say("-LOADING\r\n"), listen_on()}),
            "answer: timeout");
  EXPECT_EQ(check_script(redis, {listen_on()}), "answer: timeout");
  EXPECT_THAT(check_script(redis, {read_bytes(6), break_off()}), HasSubstr("reset"));
  EXPECT_EQ(check_script("{ type: tcp, expect: \"220 \" }", {say("220 mail"), listen_on()}),
            "well");
}

TEST_F(HealthCheckTest, looks_at_64_kib_of_what_is_said) {
  std::string chatter(64 * 1024 - 4, '.');
  EXPECT_EQ(check_script("{ type: tcp, expect: last }", {say(chatter + "last"), listen_on()}),
            "well");
  EXPECT_EQ(check_script("{ type: tcp, expect: last }", {say(chatter + ".last"), listen_on()}),
            "the answer lacks what is expected");
}

// --- gRPC --------------------------------------------------------------------------------------

class GrpcHealthCheckTest : public HealthCheckTest {
 protected:
  /// Answers every call with a message, and a status in the trailers.
  void serve_message(std::string message, std::string status = "0") {
    serve_http2([=, this](On& on, RecordingStream& stream) {
      if (!stream.ended) return false;
      asked_ = stream.body;
      head_ = stream.heads[0];
      stream.trailers = std::make_unique<RawFields>(Fields{{"grpc-status", status}});
      (void)on.peer.respond(stream, {{":status", "200"}, {"content-type", "application/grpc"}},
                            "\0\0\0\0"s + static_cast<char>(message.size()) + message);
      return true;
    });
  }
  void serve_head(Fields fields) {
    serve_http2([=](On& on, RecordingStream& stream) {
      if (!stream.ended) return false;
      (void)on.peer.respond(stream, fields);
      return true;
    });
  }
  std::string asked_;
  h2::testing::Head head_;
};

TEST_F(GrpcHealthCheckTest, calls_the_health_service) {
  serve_message("\x08\x01");
  EXPECT_EQ(check("grpc"), "well");
  EXPECT_EQ(head_.method, "POST");
  EXPECT_EQ(head_.path, "/grpc.health.v1.Health/Check");
  EXPECT_EQ(head_.get("content-type"), "application/grpc");
  EXPECT_EQ(head_.get("te"), "trailers");
  EXPECT_EQ(asked_, "\0\0\0\0\0"s);
  EXPECT_EQ(check("{ type: grpc, service: shop.Cart }"), "well");
  EXPECT_EQ(asked_, "\0\0\0\0\x0B\x0A\x09shop.Cart"s);
}

TEST_F(GrpcHealthCheckTest, finds_a_server_that_does_not_serve) {
  serve_message("\x08\x02");
  EXPECT_EQ(check("grpc"), "NOT_SERVING");
}

TEST_F(GrpcHealthCheckTest, finds_calls_that_fail) {
  serve_message("\x08\x01", "14");
  EXPECT_EQ(check("grpc"), "gRPC status 14");
}

TEST_F(GrpcHealthCheckTest, finds_answers_of_another_kind) {
  serve_head({{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "5"}});
  EXPECT_EQ(check("grpc"), "gRPC status 5") << "of a head without a body";
  serve_head({{":status", "404"}});
  EXPECT_EQ(check("grpc"), "status 404");
  serve_head({{":status", "200"}});
  EXPECT_EQ(check("grpc"), "gRPC status missing");
  serve_message("garbage");
  EXPECT_EQ(check("grpc"), "the answer is no HealthCheckResponse");
}

TEST_F(GrpcHealthCheckTest, waits_no_longer_than_the_timeout) {
  serve_http2([](On&, RecordingStream&) { return false; });
  EXPECT_EQ(check("grpc"), "answer: timeout");
  EXPECT_THAT(check_script("grpc", {say("HTTP/1.1 400 Bad Request\r\n\r\n")}),
              StartsWith("answer: "));
  EXPECT_EQ(check_script("grpc", {listen_on()}), "answer: timeout");
}

TEST_F(GrpcHealthCheckTest, goes_over_tls_only_where_http2_was_agreed_on) {
  with_tls({"h2"});
  serve_message("\x08\x01");
  EXPECT_EQ(check("grpc"), "well");
  with_tls({"http/1.1"});
  serve_message("\x08\x01");
  EXPECT_THAT(check("grpc"), HasSubstr("did not agree on HTTP/2"));
}

// --- programs ----------------------------------------------------------------------------------

/// A real program on a real loop.
std::string check_by_program(const std::string& command, Duration timeout = 60s) {
  auto loop = std::move(make_epoll_loop(0, 1).value());
  ProgramRunner programs(*loop);
  HealthConfig config;
  config.type = HealthCheckType::exec;
  config.every = timeout;
  config.timeout = timeout;
  for (std::string each : {"sh"s, "-c"s, command, "{host}"s, "{port}"s}) {
    config.command.emplace_back(std::move(each));
  }
  config::Diagnostics diagnostics;
  auto check = make_health_check(config, "api", {}, diagnostics);
  EXPECT_TRUE(check) << diagnostics.render();
  auto endpoint = std::make_shared<Endpoint>(*Address::parse("10.0.0.9:80"), "site.example");
  CheckResult result =
      run(*loop, check_health(*loop, programs, std::move(check), std::move(endpoint), {}));
  return result ? "well" : result.error();
}

TEST(ProgramHealthCheck, goes_by_the_exit_status) {
  EXPECT_EQ(check_by_program("exit 0"), "well");
  EXPECT_EQ(check_by_program("exit 3"), "program: exit status 3");
  EXPECT_EQ(check_by_program("kill -9 $$"), "program: ended by signal 9");
}

TEST(ProgramHealthCheck, tells_the_program_what_to_check) {
  EXPECT_EQ(check_by_program("test \"$0 $1\" = '10.0.0.9 80'"), "well");
  EXPECT_EQ(check_by_program("test \"$WEIR_ADDRESS $WEIR_UPSTREAM $WEIR_NAME\" = "
                             "'10.0.0.9:80 api site.example'"),
            "well");
}

TEST(ProgramHealthCheck, ends_a_program_that_takes_too_long) {
  EXPECT_EQ(check_by_program("sleep 1000", 200ms), "program: timeout");
}

TEST(ProgramHealthCheck, refuses_a_program_that_is_not_there) {
  HealthConfig config;
  config.type = HealthCheckType::exec;
  config.command = {"/nowhere/check"s};
  config::Diagnostics diagnostics;
  EXPECT_FALSE(make_health_check(config, "api", {}, diagnostics));
  EXPECT_THAT(diagnostics.render(), HasSubstr("/nowhere/check cannot be run"));
}

TEST(HealthCheck, refuses_an_expression_that_re2_cannot_compile) {
  HealthConfig config;
  config.body_regex = "(a"s;
  config::Diagnostics diagnostics;
  EXPECT_FALSE(make_health_check(config, "api", {}, diagnostics));
  EXPECT_THAT(diagnostics.render(), HasSubstr("no regular expression of RE2"));
}

TEST(HealthCheck, is_another_one_when_anything_about_it_changes) {
  config::Diagnostics diagnostics;
  auto make = [&](HealthConfig config, UpstreamOptions options = {}) {
    return make_health_check(config, "api", options, diagnostics);
  };
  HealthConfig config;
  config.body_regex = config::Located<std::string>("a", {0, 3, 1, 1});
  HealthConfig moved = config;
  moved.body_regex.position.line = 7;
  EXPECT_TRUE(same_check(*make(config), *make(moved))) << "elsewhere in the file";
  HealthConfig other = config;
  other.pass = 9;
  EXPECT_FALSE(same_check(*make(config), *make(other)));
  UpstreamOptions http2;
  http2.protocol = UpstreamProtocol::http2;
  EXPECT_FALSE(same_check(*make(config), *make(config, http2)));
}

}  // namespace
}  // namespace weir

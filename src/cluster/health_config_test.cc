#include "cluster/health_config.h"

#include <gmock/gmock.h>

#include "cluster/config.h"
#include "cluster/health_command.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

struct Read {
  UpstreamConfig upstream;
  std::string problems;
};

Read read(const std::string& health, const std::string& endpoint = "10.0.0.1:80") {
  config::Diagnostics diagnostics;
  auto document = config::read_text(
      "weir.yaml", "endpoints: [\"" + endpoint + "\"]\nhealth: " + health + "\n", diagnostics);
  Read result{config::parse<UpstreamConfig>(document, diagnostics), {}};
  result.problems = diagnostics.render();
  return result;
}

TEST(HealthConfig, asks_for_health_every_five_seconds_by_default) {
  Read read_empty = read("{}");
  EXPECT_EQ(read_empty.problems, "");
  ASSERT_TRUE(read_empty.upstream.health);
  const HealthConfig& health = *read_empty.upstream.health;
  EXPECT_EQ(health.type, HealthCheckType::http);
  EXPECT_EQ(health.path, "/health");
  EXPECT_EQ(health.every, seconds(5));
  EXPECT_EQ(health.time_limit(), seconds(2));
  EXPECT_EQ(health.fail, 3u);
  EXPECT_EQ(health.pass, 2u);
  EXPECT_FALSE(UpstreamConfig().health) << "no section, no checks";
  EXPECT_FALSE(read("off").upstream.health);
}

TEST(HealthConfig, takes_the_type_alone) {
  EXPECT_EQ(read("tcp").upstream.health->type, HealthCheckType::tcp);
  EXPECT_THAT(read("ping").problems, HasSubstr("http"));
}

TEST(HealthConfig, lets_a_check_take_no_longer_than_until_the_next) {
  EXPECT_EQ(read("{ every: 500ms }").upstream.health->time_limit(), milliseconds(500));
  EXPECT_EQ(read("{ every: 1s, timeout: 1s }").problems, "");
  EXPECT_THAT(read("{ every: 1s, timeout: 1001ms }").problems,
              HasSubstr("a check that may take 1001ms cannot begin every 1s"));
}

TEST(HealthConfig, refuses_options_of_another_type_and_says_of_which) {
  std::string wrong = read("{ type: tcp, path: /up }").problems;
  EXPECT_THAT(wrong, HasSubstr("a check of type tcp has no \"path\""));
  EXPECT_THAT(wrong, HasSubstr("it belongs to http"));
  EXPECT_THAT(read("{ expect: PONG }").problems, HasSubstr("type http has no \"expect\""));
  EXPECT_THAT(read("{ type: exec, command: [x], host: a }").problems,
              HasSubstr("it belongs to http and grpc"));
  for (const char* right :
       {"{ type: tcp, send: a, expect: b, port: 6379 }", "{ type: grpc, service: a.B, host: a }",
        "{ status: [200, 300-399], body: ok, host: \"a.example:80\" }", "{ body_regex: o.k }",
        "{ type: exec, command: [check, \"{host}\", \"{\", \"{}\", \"{A}\"] }"}) {
    EXPECT_EQ(read(right).problems, "") << right;
  }
}

TEST(HealthConfig, refuses_what_could_not_be_sent) {
  for (const char* wrong : {"health", "\"/a b\"", "\"/a\\r\\nX: y\"", "/a#b", "\"\""}) {
    EXPECT_THAT(read(std::string("{ path: ") + wrong + " }").problems, HasSubstr("is no path"))
        << wrong;
  }
  for (const char* wrong : {"\"a b\"", "\"a\\nb\"", "a/b", "u@a"}) {
    EXPECT_THAT(read(std::string("{ host: ") + wrong + " }").problems, HasSubstr("is no host"))
        << wrong;
  }
}

TEST(HealthConfig, reads_statuses_and_ranges_of_them) {
  EXPECT_EQ(StatusRange::parse("204")->last, 204);
  StatusRange range = *StatusRange::parse("200-299");
  EXPECT_TRUE(range.contains(200) && range.contains(299));
  EXPECT_FALSE(range.contains(199) || range.contains(300));
  for (const char* wrong :
       {"", "2xx", "99", "600", "300-200", "200-", "-200", "200-299-300", " 200", "0200"}) {
    EXPECT_FALSE(StatusRange::parse(wrong)) << wrong;
  }
  EXPECT_THAT(read("{ status: [200, 2xx] }").problems, HasSubstr("\"2xx\" is neither a status"));
}

TEST(HealthConfig, judges_a_body_by_one_of_two_rules) {
  EXPECT_THAT(read("{ body: a, body_regex: b }").problems, HasSubstr("not by both"));
}

TEST(HealthConfig, needs_a_program_that_can_be_found) {
  EXPECT_THAT(read("exec").problems, HasSubstr("needs a \"command\""));
  EXPECT_THAT(read("{ type: exec, command: [bin/check] }").problems, HasSubstr("is no program"));
  EXPECT_THAT(read("{ type: exec, command: [check, \"{prot}\"] }").problems,
              HasSubstr("\"{prot}\" stands for nothing"));
}

TEST(HealthConfig, refuses_a_port_for_a_unix_socket) {
  EXPECT_THAT(read("{ port: 9000 }", "unix:/run/app.sock").problems,
              HasSubstr("a Unix socket has no port"));
}

TEST(HealthCommand, puts_the_endpoint_into_arguments_and_environment) {
  Address where = *Address::parse("[2001:db8::1]:80");
  EXPECT_EQ(fill_placeholders("-H{host} -p {port} {address} {x} {", where),
            "-H2001:db8::1 -p 80 [2001:db8::1]:80 {x} {");
  Address socket = *Address::parse("unix:/run/a.sock");
  EXPECT_EQ(fill_placeholders("{host}:{port}", socket), "/run/a.sock:");
  EXPECT_THAT(
      check_environment("db", Endpoint(where, "db.example"), where.with_port(81)),
      testing::ElementsAre("WEIR_UPSTREAM=db", "WEIR_ADDRESS=[2001:db8::1]:81",
                           "WEIR_HOST=2001:db8::1", "WEIR_PORT=81", "WEIR_NAME=db.example"));
}

}  // namespace
}  // namespace weir

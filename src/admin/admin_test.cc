#include "admin/admin.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/log.h"
#include "http/h1/scripted_origin.h"
#include "server/metrics_reader.h"
#include "server/observer.h"
#include "server/sim_server.h"
#include "server/trace_exporter.h"

namespace weir {
namespace {

using test::MetricsReader;
using test::SimClient;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kAdmin = "127.0.0.1:9901";
constexpr std::string_view kConfig = R"(
workers: 2
admin: 127.0.0.1:9901
listeners:
  - { name: main, address: "10.0.0.1:80", routes: [{ name: hello, respond: hello }] }
)";

class NoOutput final : public LogOutput {
 public:
  std::expected<LogFile, std::string> open(const std::string&) override { return LogFile(); }
  void use(LogFile) override {}
  std::unique_ptr<LineSink> join() override { return nullptr; }
  LogFigures figures() const override { return {}; }
};

class AdminTest : public ::testing::Test {
 protected:
  AdminTest() {
    server_.set_admin(&admin_);
    server_.set_health(&checks_);
  }
  ~AdminTest() override {
    world_.spawn(checks_loop_, checks_.finish());
    world_.run();
  }
  void apply(std::string_view config) {
    test::apply(world_, server_, std::string(config));
    status_.use(server_);
  }
  std::string get(std::string_view path) {
    return client_.ask(kAdmin, "GET " + std::string(path) +
                                   " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  }

  SimWorld world_{1};
  NoOutput output_;
  AccessLog log_{output_};
  SimLoop& checks_loop_ = world_.add_loop();
  HealthChecks checks_{checks_loop_};
  TraceExporter traces_{checks_loop_};
  ProcessStatus status_{0, {.usage = {}, .dns = {}, .access_log = {}, .health = &checks_}};
  test::SimHost host_{world_, [this](Loop& loop) {
                        return std::make_unique<Observer>(status_, log_, traces_, loop);
                      }};
  Admin admin_{status_, host_};
  Server server_{world_.network(), host_};
  SimClient client_{world_};
};

TEST_F(AdminTest, gives_metrics_that_a_scrape_can_read) {
  apply(kConfig);
  client_.get("10.0.0.1:80", "/");
  std::string answer = get("/metrics");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  MetricsReader read(SimClient::body_of(answer));
  EXPECT_EQ(read["weir_requests_total{route=\"hello\",upstream=\"\",status=\"2xx\"}"], 1);
  EXPECT_EQ(read["weir_workers"], 2);
  MetricsReader again(SimClient::body_of(get("/metrics")));
  EXPECT_EQ(again["weir_requests_total{route=\"(admin)\",upstream=\"\",status=\"2xx\"}"], 1);
  test::drain(world_, server_);
}

TEST_F(AdminTest, is_healthy_while_it_answers) {
  apply(kConfig);
  std::string answer = get("/healthz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(SimClient::body_of(answer), "{\"healthy\":true}\n");
  test::drain(world_, server_);
}

TEST_F(AdminTest, says_why_it_is_not_ready) {
  apply(std::string(kConfig) + R"(
routes: [{ reverse_proxy: api }]
upstreams: { api: { endpoints: ["o.test:80"] } }
)");
  std::string answer = get("/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(SimClient::body_of(answer),
            "{\"ready\":false,\"reasons\":[{\"code\":\"no_endpoints\",\"upstream\":\"api\"}]}\n");
  server_.clusters().at(0)->update("dns:o.test:80", {{*Address::parse("10.0.0.3:80"), 1}});
  answer = get("/readyz");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(SimClient::body_of(answer), "{\"ready\":true}\n");
  status_.drain();
  EXPECT_THAT(get("/readyz"), HasSubstr("{\"code\":\"draining\"}"));
  test::drain(world_, server_);
}

TEST_F(AdminTest, tells_of_every_endpoint_and_why_it_is_not_available) {
  test::ScriptedOrigin well(world_, "10.0.1.1:80",
                            {test::answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")});
  apply(std::string(kConfig) + R"(
routes: [{ reverse_proxy: api }]
upstreams:
  api: { endpoints: ["10.0.1.1:80", "10.0.1.2:80"], health: {} }
  other: { endpoints: [{ address: "10.0.1.3:80", weight: 3 }] }
)");
  world_.run_for(std::chrono::seconds(1));
  auto page = nlohmann::json::parse(SimClient::body_of(get("/endpoints")));
  auto& endpoints = page["endpoints"];
  ASSERT_EQ(endpoints.size(), 3u);
  EXPECT_EQ(endpoints[0]["upstream"], "api");
  EXPECT_EQ(endpoints[0]["endpoint"], "10.0.1.1:80");
  EXPECT_EQ(endpoints[0]["available"], true);
  EXPECT_EQ(endpoints[0]["away"].size(), 0u);
  EXPECT_EQ(endpoints[0]["health"]["type"], "http");
  EXPECT_EQ(endpoints[0]["health"]["last"]["result"], "pass");
  EXPECT_EQ(endpoints[0]["health"]["passes_in_a_row"], 1);
  EXPECT_EQ(endpoints[1]["available"], false);
  EXPECT_EQ(endpoints[1]["away"][0]["reason"], "unhealthy");
  EXPECT_EQ(endpoints[1]["away"][0]["detail"], "connect: connect_refused");
  EXPECT_EQ(endpoints[1]["away"][0]["since"], endpoints[1]["health"]["since"]);
  EXPECT_THAT(std::string(endpoints[1]["away"][0]["since"]),
              ::testing::MatchesRegex("....-..-..T..:..:......Z"));
  EXPECT_EQ(endpoints[1]["health"]["failures_in_a_row"], 1);
  EXPECT_EQ(endpoints[2]["upstream"], "other");
  EXPECT_EQ(endpoints[2]["weight"], 3);
  EXPECT_FALSE(endpoints[2].contains("health"));
  MetricsReader read(SimClient::body_of(get("/metrics")));
  EXPECT_EQ(read["weir_endpoint_available{upstream=\"api\",endpoint=\"10.0.1.1:80\"}"], 1);
  EXPECT_EQ(read["weir_endpoint_available{upstream=\"api\",endpoint=\"10.0.1.2:80\"}"], 0);
  EXPECT_EQ(read["weir_endpoint_health_checks_total{upstream=\"api\",endpoint=\"10.0.1.2:80\","
                 "result=\"fail\"}"],
            1);
  EXPECT_EQ(read["weir_health_check_duration_seconds_count{upstream=\"api\"}"], 2);
  EXPECT_EQ(read["weir_health_checks_late_total"], 0);
  test::drain(world_, server_);
  world_.stop_tasks();
  world_.run();
}

TEST_F(AdminTest, serves_the_dashboard_under_a_policy_that_lets_nothing_else_run) {
  apply(kConfig);
  std::string page = get("/dashboard");
  EXPECT_THAT(page, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(page, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(page, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self';"));
  EXPECT_THAT(page, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(get("/dashboard/dashboard.js"),
              HasSubstr("Content-Type: text/javascript; charset=utf-8\r\n"));
  EXPECT_THAT(get("/dashboard/dashboard.css"),
              HasSubstr("Content-Type: text/css; charset=utf-8\r\n"));
  for (const char* path : {"/dashboard/", "/dashboard/index.html", "/dashboards", "/dashboard/x"}) {
    EXPECT_THAT(get(path), StartsWith("HTTP/1.1 404 ")) << path;
  }
  test::drain(world_, server_);
}

TEST_F(AdminTest, leads_browsers_from_the_root_to_the_dashboard) {
  apply(kConfig);
  std::string answer = client_.ask(
      kAdmin,
      "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 302 Found\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nLocation: /dashboard\r\n"));
  test::drain(world_, server_);
}

TEST_F(AdminTest, finds_lines_of_the_log) {
  apply(kConfig);
  set_log_sink([](std::string_view) {});
  log("accept_failed", {{"address", "needle"}});
  set_log_sink(nullptr);
  auto page = nlohmann::json::parse(SimClient::body_of(get("/log?level=error&text=NEEDLE")));
  ASSERT_EQ(page["lines"].size(), 1u);
  EXPECT_EQ(page["lines"][0]["code"], "accept_failed");
  std::string refused = get("/log?level=loud");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(refused, HasSubstr("\"code\": \"bad_parameter\""));
  test::drain(world_, server_);
}

TEST_F(AdminTest, answers_head_without_a_body_and_refuses_every_other_method) {
  apply(kConfig);
  std::string head =
      client_.ask(kAdmin, "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 17\r\n"));
  EXPECT_EQ(SimClient::body_of(head), "");
  for (std::string method : {"POST", "PUT", "DELETE", "OPTIONS", "BREW"}) {
    std::string answer =
        client_.ask(kAdmin, method +
                                " /metrics HTTP/1.1\r\nHost: localhost\r\n"
                                "Content-Type: application/json\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n")) << method;
    EXPECT_THAT(answer, HasSubstr("\r\nAllow: GET, HEAD\r\n")) << method;
    EXPECT_THAT(answer, HasSubstr("\"code\": \"method_not_allowed\"")) << method;
  }
  test::drain(world_, server_);
}

TEST_F(AdminTest, has_nothing_else) {
  apply(kConfig);
  for (const char* path : {"/metrics/", "/metric", "/config", "/favicon.ico", "/readyz2"}) {
    std::string answer = get(path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 404 Not Found\r\n")) << path;
    EXPECT_THAT(answer, HasSubstr("\"code\": \"not_found\"")) << path;
  }
  test::drain(world_, server_);
}

constexpr std::string_view kSlow = R"(
workers: 2
admin: 127.0.0.1:9901
listeners: [{ name: main, address: "10.0.0.1:80" }]
routes: [{ name: slow, reverse_proxy: api }]
upstreams: { api: { endpoints: ["10.0.0.9:80"] } }
)";

TEST_F(AdminTest, answers_during_a_drain_until_the_clients_are_done) {
  using namespace std::chrono_literals;
  test::ScriptedOrigin origin(
      world_, "10.0.0.9:80",
      {{test::read_head(), test::pause(5s),
        test::say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow"), test::listen_on()}});
  apply(kSlow);
  SimLoop& loop = world_.add_loop("192.0.2.2");
  std::string slow;
  world_.spawn(loop, [](SimLoop& on, std::string& answer) -> Task<void> {
    auto stream = co_await on.connect(*Address::parse("10.0.0.1:80"));
    (void)co_await test::write_text(**stream, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    ErrorCode end;
    answer = co_await test::read_all(**stream, end);
  }(loop, slow));
  world_.run_for(1s);
  EXPECT_THAT(get("/readyz"), StartsWith("HTTP/1.1 200 "));

  bool ended = false;
  status_.drain();
  server_.drain([&] { ended = true; });
  world_.run_for(1s);
  EXPECT_FALSE(ended);
  for (int i = 0; i < 4; ++i) {  // both workers
    std::string ready = get("/readyz");
    EXPECT_THAT(ready, StartsWith("HTTP/1.1 503 "));
    EXPECT_THAT(ready, HasSubstr("draining"));
  }
  EXPECT_THAT(get("/metrics"), HasSubstr("weir_connections_open{listener=\"main\"} 1\n"));
  EXPECT_EQ(client_.get("10.0.0.1:80", "/"), "connect_refused");
  world_.run_until([&] { return ended; });
  EXPECT_TRUE(slow.ends_with("slow"));
  EXPECT_EQ(get("/readyz"), "connect_refused");
  world_.stop_tasks();
  world_.run();
}

TEST_F(AdminTest, goes_with_the_rest_when_a_drain_is_cut_short) {
  using namespace std::chrono_literals;
  test::ScriptedOrigin origin(world_, "10.0.0.9:80", {{test::read_head(), test::listen_on()}});
  apply(kSlow);
  SimLoop& loop = world_.add_loop("192.0.2.2");
  for (std::string_view address : {std::string_view("10.0.0.1:80"), kAdmin}) {
    world_.spawn(loop, [](SimLoop& on, std::string_view to) -> Task<void> {
      auto stream = co_await on.connect(*Address::parse(to));
      (void)co_await test::write_text(**stream, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      ErrorCode end;
      (void)co_await test::read_all(**stream, end);  // on the admin listener: stays idle
    }(loop, address));
  }
  world_.run_for(1s);
  bool ended = false;
  server_.drain([&] { ended = true; });
  world_.run_for(3s);
  EXPECT_FALSE(ended);
  TimePoint cut = world_.now();
  server_.abort();
  world_.run_until([&] { return ended; });
  EXPECT_LT(world_.now() - cut, 1s);
  world_.stop_tasks();
  world_.run();
}

TEST_F(AdminTest, shows_the_name_that_a_reload_gave_to_a_listener) {
  apply(kConfig);
  std::string renamed(kConfig);
  renamed.replace(renamed.find("name: main"), 10, "name: shop");
  apply(renamed);
  client_.get("10.0.0.1:80", "/");
  std::string metrics = get("/metrics");
  EXPECT_THAT(metrics, HasSubstr("{listener=\"shop\"}"));
  EXPECT_THAT(metrics, ::testing::Not(HasSubstr("{listener=\"main\"}")));
  test::drain(world_, server_);
}

TEST_F(AdminTest, ends_cleanly_when_a_client_leaves_in_the_middle_of_a_scrape) {
  apply(kConfig);
  SimLoop& loop = world_.add_loop("192.0.2.2");
  for (int i = 0; i < 50; ++i) {
    bool left = false;
    world_.spawn(loop, [](SimLoop& on, int turn, bool& done) -> Task<void> {
      auto stream = co_await on.connect(*Address::parse(kAdmin));
      (void)co_await test::write_text(**stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      (void)co_await on.sleep_for(std::chrono::microseconds(20 * turn));
      (*stream)->reset_on_close();
      done = true;
    }(loop, i, left));
    world_.run_until([&] { return left; });
  }
  test::drain(world_, server_);
  EXPECT_EQ(world_.check_clean(), "");
}

}  // namespace
}  // namespace weir

#include "server/process_status.h"

#include "server/metric_table.h"
#include "server/metrics_reader.h"
#include "server/observer.h"
#include "server/sim_server.h"

namespace weir {
namespace {

using test::MetricsReader;

/// Takes no lines.
class NoOutput final : public LogOutput {
 public:
  std::expected<LogFile, std::string> open(const std::string&) override { return LogFile(); }
  void use(LogFile) override {}
  std::unique_ptr<LineSink> join() override { return nullptr; }
  LogFigures figures() const override { return {7, 2, 1}; }
};

constexpr std::string_view kConfig = R"(
workers: 1
listeners:
  - { name: main, address: "10.0.0.1:80" }
  - { name: origin, address: "10.0.0.1:81", routes: [{ name: origin, respond: hello }] }
routes:
  - { name: shop, match: { path: /shop/* }, reverse_proxy: api }
  - { name: dead, match: { path: /dead }, reverse_proxy: nowhere }
upstreams:
  api: { endpoints: ["10.0.0.1:81"] }
  nowhere: { endpoints: ["10.0.0.9:1"] }
)";

class ProcessStatusTest : public ::testing::Test {
 protected:
  void apply(std::string_view config) {
    test::apply(world_, server_, std::string(config));
    status_.use(server_);
  }
  MetricsReader scrape() { return MetricsReader(status_.metrics()); }
  std::vector<std::string> reasons() {
    std::vector<std::string> codes;
    for (const Unready& each : status_.unready()) {
      codes.push_back(std::string(each.code) + (each.upstream.empty() ? "" : " ") + each.upstream);
    }
    return codes;
  }

  SimWorld world_{1};
  NoOutput output_;
  AccessLog log_{output_};
  ProcessStatus status_{
      1'700'000'000'250'000'000,
      {[] { return ProcessUsage{1.5, 4096, 12}; },
       [] {
         return std::vector<DnsStatus>{
             {.upstream = "api", .source = "dns:o.test:80", .answers = 4, .failures = 3}};
       },
       [this] { return output_.figures(); }}};
  TraceExporter traces_{world_.add_loop()};
  test::SimHost host_{world_, [this](Loop& loop) {
                        return std::make_unique<Observer>(status_, log_, traces_, loop);
                      }};
  Server server_{world_.network(), host_};
  test::SimClient client_{world_};
};

TEST_F(ProcessStatusTest, tells_of_every_metric_of_the_table_in_its_order) {
  apply(kConfig);
  client_.get("10.0.0.1:80", "/shop/1");
  std::vector<std::string> expected;
  for (const Metric* metric : all_metrics()) expected.emplace_back(metric->name);
  MetricsReader read = scrape();
  EXPECT_EQ(read.families(), expected);
  for (const Metric* metric : all_metrics()) {
    EXPECT_EQ(read.kind(std::string(metric->name)), name(metric->kind));
  }
  test::drain(world_, server_);
}

TEST_F(ProcessStatusTest, counts_traffic_where_it_belongs) {
  apply(kConfig);
  world_.network().refuse(*Address::parse("10.0.0.9:1"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client_.get("10.0.0.1:80", "/shop/1").ends_with("\r\n\r\nhello"));
  }
  client_.get("10.0.0.1:80", "/dead");
  client_.get("10.0.0.1:80", "/none");
  client_.ask("10.0.0.1:80", "no request at all\r\n\r\n");
  world_.run_for(std::chrono::milliseconds(100));  // the last connection lingers
  MetricsReader read = scrape();
  EXPECT_EQ(read["weir_requests_total{route=\"shop\",upstream=\"api\",status=\"2xx\"}"], 3);
  EXPECT_EQ(read["weir_requests_total{route=\"dead\",upstream=\"nowhere\",status=\"5xx\"}"], 1);
  EXPECT_EQ(read["weir_requests_total{route=\"\",upstream=\"\",status=\"4xx\"}"], 2);
  EXPECT_EQ(read["weir_request_duration_seconds_count{route=\"shop\"}"], 3);
  EXPECT_GT(read["weir_request_duration_seconds_sum{route=\"shop\"}"], 0);
  EXPECT_EQ(read["weir_upstream_response_seconds_count{upstream=\"api\"}"], 3);
  EXPECT_EQ(read["weir_upstream_response_seconds_count{upstream=\"nowhere\"}"], 0);
  EXPECT_EQ(read["weir_sent_bytes_total{route=\"shop\"}"], 15);
  EXPECT_EQ(read["weir_upstream_retries_total{upstream=\"nowhere\"}"], 1);
  EXPECT_EQ(read["weir_errors_total{reason=\"connect_refused\",origin=\"upstream\"}"], 1);
  EXPECT_EQ(read["weir_errors_total{reason=\"no_route\",origin=\"weir\"}"], 1);
  EXPECT_EQ(read["weir_connections_total{listener=\"main\"}"], 6);
  EXPECT_LE(read["weir_connections_open{listener=\"main\"}"], 1) << "the last may linger";
  EXPECT_EQ(read["weir_connections_open{listener=\"origin\"}"], 1);
  EXPECT_EQ(read["weir_connections_idle{listener=\"origin\"}"], 1);
  EXPECT_EQ(read["weir_listener_requests_total{listener=\"origin\"}"], 3);
  EXPECT_EQ(read["weir_pool_leases_total{upstream=\"api\",source=\"opened\"}"], 1);
  EXPECT_EQ(read["weir_pool_leases_total{upstream=\"api\",source=\"reused\"}"], 2);
  EXPECT_NEAR(read["weir_pool_reuse_ratio{upstream=\"api\"}"], 2.0 / 3, 1e-9);
  EXPECT_FALSE(read.has("weir_pool_reuse_ratio{upstream=\"nowhere\"}"));
  EXPECT_EQ(read["weir_endpoint_requests_total{upstream=\"api\",endpoint=\"10.0.0.1:81\"}"], 3);
  EXPECT_EQ(read["weir_endpoint_in_flight{upstream=\"api\",endpoint=\"10.0.0.1:81\"}"], 0);
  EXPECT_EQ(
      read["weir_endpoint_connect_failures_total{upstream=\"nowhere\",endpoint=\"10.0.0.9:1\"}"],
      2);
  test::drain(world_, server_);
}

TEST_F(ProcessStatusTest, tells_what_other_parts_keep) {
  apply(kConfig);
  MetricsReader read = scrape();
  EXPECT_EQ(
      read["weir_dns_lookups_total{upstream=\"api\",source=\"dns:o.test:80\",result=\"answer\"}"],
      4);
  EXPECT_EQ(read["weir_access_log_lines_total"], 7);
  EXPECT_EQ(read["weir_access_log_dropped_lines_total"], 2);
  EXPECT_EQ(read["weir_access_log_write_errors_total"], 1);
  EXPECT_EQ(read["process_start_time_seconds"], 1'700'000'000.25);
  EXPECT_EQ(read["process_resident_memory_bytes"], 4096);
  EXPECT_EQ(read["process_open_fds"], 12);
  EXPECT_EQ(read["weir_workers"], 1);
  EXPECT_EQ(read["weir_upstream_endpoints{upstream=\"api\"}"], 1);
  EXPECT_FALSE(read.has("weir_endpoint_requests_total{upstream=\"api\",endpoint=\"10.0.0.1:81\"}"))
      << "nobody has used it yet";
  test::drain(world_, server_);
}

TEST_F(ProcessStatusTest, counts_configurations) {
  EXPECT_EQ(scrape()["weir_config_generation"], 0);
  status_.refuse();  // the first one: there is nothing to reload yet
  apply(kConfig);
  EXPECT_EQ(scrape()["weir_config_generation"], 1);
  EXPECT_EQ(scrape()["weir_config_reloads_total{result=\"failed\"}"], 0);
  status_.refuse();
  EXPECT_EQ(scrape()["weir_config_reloads_total{result=\"failed\"}"], 1);
  EXPECT_EQ(scrape()["weir_config_last_reload_ok"], 0);
  apply(kConfig);
  EXPECT_EQ(scrape()["weir_config_generation"], 2);
  EXPECT_EQ(scrape()["weir_config_reloads_total{result=\"ok\"}"], 1);
  EXPECT_EQ(scrape()["weir_config_last_reload_ok"], 1);
  test::drain(world_, server_);
}

TEST_F(ProcessStatusTest, keeps_the_counts_of_workers_that_a_reload_takes_away) {
  std::string two(kConfig);
  two.replace(two.find("workers: 1"), 10, "workers: 2");
  apply(two);
  for (int i = 0; i < 20; ++i) client_.get("10.0.0.1:81", "/");
  EXPECT_EQ(scrape()["weir_workers"], 2);
  apply(kConfig);
  world_.run_until([&] { return server_.retiring_count() == 0; });
  MetricsReader read = scrape();
  EXPECT_EQ(read["weir_workers"], 1);
  EXPECT_EQ(read["weir_requests_total{route=\"origin\",upstream=\"\",status=\"2xx\"}"], 20);
  EXPECT_EQ(read["weir_connections_total{listener=\"origin\"}"], 20);
  EXPECT_EQ(read["weir_connections_open{listener=\"origin\"}"], 0);
  test::drain(world_, server_);
}

TEST_F(ProcessStatusTest, forgets_routes_that_a_reload_takes_away) {
  apply(kConfig);
  client_.get("10.0.0.1:80", "/shop/1");
  client_.get("10.0.0.1:81", "/");
  apply(R"(
workers: 1
listeners: [{ name: origin, address: "10.0.0.1:81", routes: [{ name: origin, respond: hello }] }]
)");
  world_.run_for(std::chrono::seconds(1));
  MetricsReader read = scrape();
  EXPECT_FALSE(read.has("weir_request_duration_seconds_count{route=\"shop\"}"));
  EXPECT_FALSE(read.has("weir_upstream_retries_total{upstream=\"api\"}"));
  EXPECT_EQ(read["weir_request_duration_seconds_count{route=\"origin\"}"], 2);
  test::drain(world_, server_);
}

TEST_F(ProcessStatusTest, is_ready_from_the_first_endpoints_until_the_drain) {
  EXPECT_EQ(reasons(), std::vector<std::string>{"no_configuration"});
  std::string named(kConfig);
  named.replace(named.find("\"10.0.0.1:81\"] }"), 16, "\"o.test:81\"] }");
  apply(named);
  EXPECT_EQ(reasons(), std::vector<std::string>{"no_endpoints api"});
  EXPECT_EQ(scrape()["weir_ready"], 0);
  server_.clusters().at(0)->update("dns:o.test:81", {{*Address::parse("10.0.0.1:81"), 1}});
  EXPECT_TRUE(reasons().empty());
  server_.clusters().at(0)->update("dns:o.test:81", {});
  EXPECT_TRUE(reasons().empty()) << "a working process stays in service";
  EXPECT_EQ(scrape()["weir_ready"], 1);
  status_.drain();
  EXPECT_EQ(reasons(), std::vector<std::string>{"draining"});
  test::drain(world_, server_);
}

TEST(ProcessUsage, is_what_the_kernel_says) {
  ProcessUsage usage = read_process_usage();
  EXPECT_GT(usage.resident_bytes, 1u << 20);
  EXPECT_GE(usage.open_files, 3u);
}

}  // namespace
}  // namespace weir

#include "server/access_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/sim/loop.h"

namespace weir {
namespace {

/// Keeps lines in memory, as the simulation does.
class MemoryOutput final : public LogOutput {
 public:
  std::expected<LogFile, std::string> open(const std::string& name) override {
    if (name == "/unwritable") return std::unexpected("Permission denied");
    opened.push_back(name);
    return LogFile();
  }
  void use(LogFile) override { ++used; }
  std::unique_ptr<LineSink> join() override { return std::make_unique<Sink>(*this); }
  LogFigures figures() const override { return {lines.size(), 0, 0}; }

  std::vector<std::string> opened;
  std::vector<std::string> lines;
  int used = 0;

 private:
  struct Sink final : LineSink {
    explicit Sink(MemoryOutput& to) : output(to) {}
    void put(std::string_view line) override { output.lines.emplace_back(line); }
    MemoryOutput& output;
  };
};

class AccessLogTest : public ::testing::Test {
 protected:
  bool use(std::optional<AccessLogConfig> config) {
    auto prepared = log_.prepare(config, redact_, diagnostics_);
    if (!prepared) return false;
    log_.use(std::move(*prepared));
    return true;
  }

  static AccessLogConfig config(std::string format, std::string file = "stdout") {
    AccessLogConfig config;
    config.format = {std::move(format), {0, 7, 11, 6}};
    config.file = {std::move(file), {0, 8, 9, 11}};
    return config;
  }

  void end_exchange(WorkerLog& worker, std::uint16_t status = 200) {
    Exchange exchange(loop_, facts_, StopToken());
    Request& request = exchange.request();
    request.method_text = "GET";
    request.target.path = request.target.path_query = request.target.raw = "/a";
    request.headers.add("User-Agent", "a \"quoted\" one");
    exchange.set_client_ip(*IpAddress::parse("192.0.2.7"));
    exchange.set_request_id("r1");
    exchange.set_route("shop");
    exchange.outcome().status = status;
    exchange.outcome().bytes_sent = 5;
    worker.write(exchange);
  }

  SimWorld world_{1};
  Loop& loop_ = world_.add_loop();
  ConnectionFacts facts_{*Address::parse("192.0.2.7:4711"), "main", false};
  MemoryOutput output_;
  AccessLog log_{output_};
  RedactConfig redact_;
  config::Diagnostics diagnostics_;
};

TEST_F(AccessLogTest, is_off_until_a_configuration_wants_it) {
  WorkerLog worker(log_);
  end_exchange(worker);
  ASSERT_TRUE(use(std::nullopt));
  end_exchange(worker);
  EXPECT_TRUE(output_.lines.empty());
  EXPECT_TRUE(output_.opened.empty());
}

TEST_F(AccessLogTest, writes_a_template_with_one_line_break) {
  ASSERT_TRUE(use(config("${method} ${path} ${status}")));
  WorkerLog worker(log_);
  end_exchange(worker);
  EXPECT_EQ(output_.lines, std::vector<std::string>{"GET /a 200\n"});
}

TEST_F(AccessLogTest, writes_json_and_combined_lines) {
  WorkerLog worker(log_);
  ASSERT_TRUE(use(config("json")));
  end_exchange(worker);
  ASSERT_TRUE(use(config("combined")));
  end_exchange(worker);
  ASSERT_EQ(output_.lines.size(), 2u);
  EXPECT_TRUE(output_.lines[0].starts_with("{\"time\":\"")) << output_.lines[0];
  EXPECT_TRUE(output_.lines[0].ends_with("}\n")) << output_.lines[0];
  EXPECT_NE(output_.lines[0].find("\"route\":\"shop\""), std::string::npos);
  EXPECT_TRUE(output_.lines[1].starts_with("192.0.2.7 - - [")) << output_.lines[1];
  EXPECT_TRUE(
      output_.lines[1].ends_with("\"GET /a HTTP/1.1\" 200 5 \"-\" \"a \\\"quoted\\\" one\"\n"))
      << output_.lines[1];
}

TEST_F(AccessLogTest, follows_every_reload_of_its_format_and_opens_the_file_each_time) {
  WorkerLog worker(log_);
  ASSERT_TRUE(use(config("one", "/log")));
  end_exchange(worker);
  ASSERT_TRUE(use(config("two", "/log")));
  end_exchange(worker);
  ASSERT_TRUE(use(std::nullopt));
  end_exchange(worker);
  EXPECT_EQ(output_.lines, (std::vector<std::string>{"one\n", "two\n"}));
  EXPECT_EQ(output_.opened, (std::vector<std::string>{"/log", "/log"}));
  EXPECT_EQ(output_.used, 3);
}

TEST_F(AccessLogTest, reports_a_file_that_cannot_be_opened_where_it_is_named) {
  ASSERT_TRUE(use(config("one")));
  EXPECT_FALSE(use(config("two", "/unwritable")));
  ASSERT_EQ(diagnostics_.error_count(), 1u);
  config::Diagnostic diagnostic = diagnostics_.sorted().front();
  EXPECT_EQ(diagnostic.code, config::Code::unreadable_reference);
  EXPECT_EQ(diagnostic.position.line, 8u);
  EXPECT_EQ(diagnostic.message, "the access log /unwritable cannot be opened: Permission denied");
  WorkerLog worker(log_);
  end_exchange(worker);
  EXPECT_EQ(output_.lines, std::vector<std::string>{"one\n"}) << "the old one stays in force";
}

TEST_F(AccessLogTest, reports_a_wrong_format_together_with_a_wrong_file) {
  EXPECT_FALSE(use(config("${no_such_fact}", "/unwritable")));
  ASSERT_EQ(diagnostics_.error_count(), 2u);
  EXPECT_EQ(diagnostics_.sorted().front().code, config::Code::bad_expression);
  EXPECT_EQ(diagnostics_.sorted().front().position.line, 7u);
}

TEST_F(AccessLogTest, compiles_a_format_without_opening_anything) {
  EXPECT_TRUE(compile_log_format(config("json", "/unwritable"), diagnostics_));
  EXPECT_TRUE(diagnostics_.ok());
}

TEST_F(AccessLogTest, hides_what_the_rules_say) {
  redact_.client_ip = RedactIp::truncate;
  redact_.headers = {"User-Agent"};
  ASSERT_TRUE(use(config("${client_ip} ${header.user-agent}")));
  WorkerLog worker(log_);
  end_exchange(worker);
  EXPECT_EQ(output_.lines, std::vector<std::string>{"192.0.2.0 ***\n"});
}

TEST_F(AccessLogTest, writes_a_part_of_the_lines_and_every_error) {
  AccessLogConfig some = config("${status}");
  some.sample.percent = 25;
  ASSERT_TRUE(use(some));
  WorkerLog worker(log_);
  for (int i = 0; i < 2000; ++i) end_exchange(worker);
  EXPECT_NEAR(static_cast<double>(output_.lines.size()), 500, 100);
  output_.lines.clear();
  for (int i = 0; i < 100; ++i) end_exchange(worker, 502);
  EXPECT_EQ(output_.lines.size(), 100u);
  some.sample.keep_errors = false;
  ASSERT_TRUE(use(some));
  output_.lines.clear();
  for (int i = 0; i < 100; ++i) end_exchange(worker, 502);
  EXPECT_LT(output_.lines.size(), 60u);
}

TEST_F(AccessLogTest, writes_no_line_at_a_share_of_nothing) {
  AccessLogConfig none = config("${status}");
  none.sample.percent = 0;
  ASSERT_TRUE(use(none));
  WorkerLog worker(log_);
  for (int i = 0; i < 100; ++i) end_exchange(worker);
  EXPECT_TRUE(output_.lines.empty());
}

}  // namespace
}  // namespace weir

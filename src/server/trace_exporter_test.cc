#include "server/trace_exporter.h"

#include <gtest/gtest.h>

#include "cluster/config.h"
#include "http/h1/scripted_origin.h"
#include "server/otlp.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr std::string_view kTaken = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

class TraceExporterTest : public ::testing::Test {
 protected:
  TraceExporterTest() {
    options_.exchange = {{}, {}, 60s, 60s};
    options_.pool.max_idle = 0;
  }
  ~TraceExporterTest() override {
    recorder_.reset();
    run(owner_, exporter_.finish());
    world_.stop_tasks();
    world_.run();
    collector_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  /// `scripts`: of the collector's connections.
  void use(std::vector<Script> scripts) {
    collector_ = std::make_unique<ScriptedOrigin>(world_, "10.0.0.9:80", std::move(scripts));
    cluster_->update("", {{collector_->address(), 1}});
    auto plan = std::make_shared<TracingPlan>();
    plan->collector = std::make_shared<Upstream>(cluster_, options_);
    plan->request = {"otel", "/v1/traces", "application/x-protobuf"};
    run(owner_, put(std::move(plan)));
  }
  Task<void> put(std::shared_ptr<const TracingPlan> plan) {
    exporter_.use(std::move(plan));
    co_return;
  }

  /// One request that is kept, on the worker.
  void record(std::string path = "/a") {
    ConnectionFacts nobody;
    Exchange exchange(worker_, nobody, StopToken());
    exchange.request().method = Method::get;
    exchange.request().method_text = "GET";
    exchange.request().target.path = path;
    exchange.outcome().started = worker_.now();
    Trace::begin(exchange, {.share = trace_share(1)}, *recorder_);
    exchange.outcome().status = 200;
    exchange.finish_idle();
  }
  TraceFigures figures() const { return exporter_.figures(); }

  SimWorld world_{1};
  SimLoop& owner_ = world_.add_loop("10.0.0.1");
  SimLoop& worker_ = world_.add_loop("10.0.0.2");
  std::shared_ptr<Cluster> cluster_ = std::make_shared<Cluster>("otel");
  UpstreamOptions options_;
  std::unique_ptr<ScriptedOrigin> collector_;
  TraceExporter exporter_{owner_};
  std::unique_ptr<TraceRecorder> recorder_ = exporter_.join();
};

Script answers_once(std::string_view answer) {
  return {read_head(), say(std::string(answer)), listen_on()};
}

TEST_F(TraceExporterTest, sends_what_waits_every_second_as_one_request) {
  use({answers_once(kTaken), answers_once(kTaken)});
  record();
  record();
  world_.run_for(1500ms);
  EXPECT_EQ(figures().sent, 2u);
  EXPECT_EQ(collector_->connections(), 1u);
  record();
  world_.run_for(1500ms);
  EXPECT_EQ(figures().sent, 3u);
  EXPECT_EQ(figures().failures, 0u);
}

TEST_F(TraceExporterTest, keeps_what_a_busy_collector_did_not_take_and_asks_ever_more_slowly) {
  use({answers_once(kBusy), answers_once(kBusy), answers_once(kBusy), answers_once(kTaken)});
  record();
  world_.run_for(1500ms);
  EXPECT_EQ(figures().failures, 1u);
  world_.run_for(1s);  // after one second
  EXPECT_EQ(figures().failures, 2u);
  world_.run_for(1s);  // after two more
  EXPECT_EQ(figures().failures, 2u);
  world_.run_for(1s);
  EXPECT_EQ(figures().failures, 3u);
  world_.run_for(4s);
  EXPECT_EQ(figures().sent, 1u);
  EXPECT_EQ(figures().dropped, 0u);
}

TEST_F(TraceExporterTest, drops_and_counts_what_there_is_no_room_for) {
  use({{listen_on()}});
  std::size_t many = 2 * TraceExporter::kRingBytes / 1000;
  for (std::size_t i = 0; i < many; ++i) record(std::string(900, 'p'));
  EXPECT_GT(figures().dropped, many / 4);
  EXPECT_LT(figures().dropped, many);
}

TEST_F(TraceExporterTest, is_woken_before_its_time_by_a_ring_that_fills) {
  use({answers_once(kTaken)});
  std::size_t many = TraceExporter::kWakeBytes / 900 + 1;
  for (std::size_t i = 0; i < many; ++i) record(std::string(900, 'p'));
  world_.run_for(500ms);
  EXPECT_EQ(figures().sent, many);
}

TEST_F(TraceExporterTest, does_not_send_again_what_was_refused) {
  use({answers_once("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
       answers_once(kTaken)});
  record();
  world_.run_for(1500ms);
  EXPECT_EQ(figures().refused, 1u);
  record();
  world_.run_for(1500ms);
  EXPECT_EQ(figures().sent, 1u);
}

TEST_F(TraceExporterTest, counts_what_a_collector_took_in_part) {
  // partial_success { rejected_spans: 1 }
  using namespace std::string_literals;
  use({answers_once("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x0a\x02\x08\x01"s)});
  record();
  record();
  world_.run_for(1500ms);
  EXPECT_EQ(figures().sent, 1u);
  EXPECT_EQ(figures().refused, 1u);
}

TEST_F(TraceExporterTest, sends_what_waits_when_the_process_ends) {
  use({answers_once(kTaken)});
  record();
  recorder_.reset();
  run(owner_, exporter_.finish());
  EXPECT_EQ(figures().sent, 1u);
}

TEST_F(TraceExporterTest, ends_in_time_when_the_collector_is_silent) {
  use({{read_head(), pause(1h)}});
  record();
  recorder_.reset();
  TimePoint before = owner_.now();
  run(owner_, exporter_.finish());
  EXPECT_LE(owner_.now() - before, TraceExporter::kLastWords + 100ms);
  EXPECT_EQ(figures().sent, 0u);
}

TEST_F(TraceExporterTest, forgets_what_waits_when_tracing_is_switched_off) {
  use({{listen_on()}});
  record();
  run(owner_, put(nullptr));
  world_.run_for(3s);
  EXPECT_EQ(collector_->connections(), 0u);
  EXPECT_EQ(figures().sent, 0u);
}

}  // namespace
}  // namespace weir

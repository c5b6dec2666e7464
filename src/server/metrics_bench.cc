// What counting and logging add to an exchange, beside one that is only made and dropped.
#include <benchmark/benchmark.h>

#include <optional>
#include <string>
#include <vector>

#include "io/sim/loop.h"
#include "server/access_log.h"
#include "server/log_writer.h"
#include "server/metrics.h"

namespace weir {
namespace {

struct Bench {
  explicit Bench(std::int64_t routes) {
    for (std::int64_t i = 0; i < routes; ++i) {
      names.push_back("shop" + std::to_string(i) + ".example/api/*");
    }
  }
  // An exchange is filled once: what is measured is what happens at its end.
  void fill(Exchange& exchange) {
    exchange.upstream().name = "api";
    exchange.upstream().attempts = 1;
    exchange.upstream().response = std::chrono::microseconds(300);
    exchange.outcome().status = 200;
    exchange.outcome().bytes_sent = 1024;
    exchange.outcome().started = TimePoint(std::chrono::microseconds(100));
    exchange.outcome().ended = TimePoint(std::chrono::microseconds(500));
    exchange.request().method_text = "GET";
    exchange.request().authority.host = "shop.example";
    exchange.request().target.raw = exchange.request().target.path = "/api/items";
    exchange.request().headers.add("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)");
    exchange.set_client_ip(*IpAddress::parse("192.0.2.7"));
  }
  std::string_view next() {
    if (++at == names.size()) at = 0;
    return names[at];
  }

  SimWorld world{1};
  Loop& loop = world.add_loop();
  ConnectionFacts facts{*Address::parse("192.0.2.7:4711"), "main", false};
  std::vector<std::string> names;
  std::size_t at = 0;
};

void metrics_record(benchmark::State& state) {
  Bench bench(state.range(0));
  Exchange exchange(bench.loop, bench.facts, StopToken());
  bench.fill(exchange);
  WorkerMetrics worker;
  for (auto _ : state) {
    exchange.set_route(bench.next());
    worker.record(exchange);
  }
}

void access_log_line(benchmark::State& state) {
  Bench bench(1);
  Exchange exchange(bench.loop, bench.facts, StopToken());
  bench.fill(exchange);
  exchange.set_route(bench.next());
  LogWriter writer;
  AccessLog log(writer);
  config::Diagnostics diagnostics;
  AccessLogConfig config;
  config.format = std::string(state.range(0) == 0 ? "combined" : "json");
  config.file = std::string("/dev/null");
  log.use(std::move(*log.prepare(config, {}, diagnostics)));
  WorkerLog worker(log);
  for (auto _ : state) worker.write(exchange);
  state.counters["dropped"] = static_cast<double>(writer.figures().dropped);
}

BENCHMARK(metrics_record)->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(access_log_line)->Arg(0)->Arg(1);

}  // namespace
}  // namespace weir

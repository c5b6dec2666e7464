// What a condition and a log line cost.
#include <benchmark/benchmark.h>

#include <vector>

#include "expression/expression.h"
#include "expression/fake_facts.h"
#include "expression/log_formats.h"
#include "expression/template.h"

namespace weir::expression {
namespace {

void evaluate(benchmark::State& state, std::string_view source) {
  auto expression = Expression::compile(source, Stage::response);
  FakeFacts facts = FakeFacts::sample();
  for (auto _ : state) benchmark::DoNotOptimize(expression->evaluate(facts));
}

void write(benchmark::State& state, const LogFormat& format) {
  auto line = Template::compile(format.source, Stage::response, format.escape);
  FakeFacts facts = FakeFacts::sample();
  std::vector<char> out(4096);
  for (auto _ : state) benchmark::DoNotOptimize(line->write_to(out, facts));
}

BENCHMARK_CAPTURE(evaluate, method, "method == \"GET\"");
BENCHMARK_CAPTURE(evaluate, network, "client_ip in [192.168.0.0/16, 10.0.0.0/8]");
BENCHMARK_CAPTURE(evaluate, several,
                  "method in [\"PUT\", \"POST\"] or lower(header.accept) contains \"json\" and "
                  "not client_ip in 192.168.0.0/16");
BENCHMARK_CAPTURE(write, combined, kCombinedFormat);
BENCHMARK_CAPTURE(write, json, kJsonFormat);

}  // namespace
}  // namespace weir::expression

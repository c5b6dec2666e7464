// Picks from 10, 1 000 and 10 000 endpoints, by each algorithm: the cost must not grow with them.
#include <benchmark/benchmark.h>

#include "cluster/cluster.h"
#include "core/hash.h"

namespace weir {
namespace {

std::shared_ptr<const EndpointSet> set_of(std::int64_t count, BalancePolicy policy) {
  Cluster cluster("api");
  cluster.set_policy(policy);
  std::vector<WeightedAddress> addresses;
  for (std::int64_t i = 0; i < count; ++i) {
    std::string host = std::to_string(i / 250) + "." + std::to_string(i % 250);
    addresses.push_back({*Address::parse("10.0." + host + ":80"), 1});
  }
  cluster.update("", std::move(addresses));
  auto set = cluster.endpoints();
  TimePoint now{std::chrono::hours(1)};
  for (std::size_t i = 0; i < set->endpoints.size(); ++i) {
    set->endpoints[i]->in_flight = static_cast<std::uint32_t>(2 + i * 7 % 3);
    set->endpoints[i]->latency.answered(std::chrono::microseconds(500 + i * 31 % 100), now);
  }
  return set;
}

void pick_from(benchmark::State& state, Balance algorithm, double max_load = 0) {
  auto set = set_of(state.range(0), {.algorithm = algorithm, .max_load = max_load});
  Random random(1);
  std::uint64_t cursor = 0, key = 0;
  TimePoint now{std::chrono::hours(1) + std::chrono::milliseconds(100)};
  for (auto _ : state) {
    auto picked = set->pick({.random = random,
                             .cursor = cursor,
                             .now = now,
                             .hash = mix(++key),
                             .in_flight = static_cast<std::uint32_t>(state.range(0) * 3)});
    benchmark::DoNotOptimize(picked);
  }
}

/// What happens when endpoints come or go, on the thread that learns of it.
void build(benchmark::State& state, Balance algorithm) {
  auto set = set_of(state.range(0), {.algorithm = Balance::random});
  std::vector<Endpoint*> endpoints;
  for (const auto& each : set->endpoints) endpoints.push_back(each.get());
  EndpointGroup group{endpoints, set->weights};
  for (auto _ : state) {
    auto made = make_balancer({.algorithm = algorithm}, group);
    benchmark::DoNotOptimize(made);
  }
}

#define WEIR_SIZES Arg(10)->Arg(1000)->Arg(10000)
BENCHMARK_CAPTURE(pick_from, round_robin, Balance::round_robin)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, least_requests, Balance::least_requests)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, random, Balance::random)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, power_of_two, Balance::power_of_two)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, peak_ewma, Balance::peak_ewma)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, ring, Balance::ring)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, maglev, Balance::maglev)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, ring_bounded, Balance::ring, 1.25)->WEIR_SIZES;
BENCHMARK_CAPTURE(pick_from, maglev_bounded, Balance::maglev, 1.25)->WEIR_SIZES;
BENCHMARK_CAPTURE(build, ring, Balance::ring)->WEIR_SIZES->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(build, maglev, Balance::maglev)->WEIR_SIZES->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace weir

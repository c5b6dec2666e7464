// Lookup in tables of 1, 100 and 10 000 routes: the time must not grow with the table.
#include <benchmark/benchmark.h>

#include <string>

#include "server/router.h"

namespace weir {
namespace {

Router table_of(std::int64_t count, bool by_host) {
  RouterBuilder builder;
  for (std::int64_t i = 0; i < count; ++i) {
    RoutePattern pattern;
    std::string number = std::to_string(i);
    if (by_host) pattern.host = *parse_host_pattern("host" + number + ".example");
    if (!by_host) pattern.path = *parse_path_pattern("/service/" + number + "/*");
    builder.add(std::move(pattern));
  }
  return std::move(builder).build();
}

/// Asks for `count` different routes in turn, so that the caches see what a busy proxy's see.
void look_up(benchmark::State& state, bool by_host) {
  std::int64_t count = state.range(0);
  Router router = table_of(count, by_host);
  std::vector<std::pair<std::string, std::string>> requests;
  for (std::int64_t i = 0; i < count; ++i) {
    std::string number = std::to_string(i * 7919 % count);
    requests.emplace_back(by_host ? "host" + number + ".example" : "h",
                          by_host ? "/" : "/service/" + number + "/items");
  }
  std::size_t next = 0;
  for (auto _ : state) {
    const auto& [host, path] = requests[next];
    if (++next == requests.size()) next = 0;
    auto found = router.find(host, path, [](RouteId) { return true; });
    benchmark::DoNotOptimize(found);
  }
}

void router_by_host(benchmark::State& state) { look_up(state, true); }
void router_by_path(benchmark::State& state) { look_up(state, false); }

void router_unmatched_deep_path(benchmark::State& state) {
  Router router = table_of(state.range(0), false);
  std::string path;
  for (int i = 0; i < 500; ++i) path += "/service";
  for (auto _ : state) {
    auto found = router.find("h", path, [](RouteId) { return true; });
    benchmark::DoNotOptimize(found);
  }
}

BENCHMARK(router_by_host)->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(router_by_path)->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(router_unmatched_deep_path)->Arg(10000);

}  // namespace
}  // namespace weir

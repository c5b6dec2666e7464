// What configured things cost that nobody uses: bytes of the heap, by counting.
#include <gtest/gtest.h>

#include <malloc.h>

#include <fmt/format.h>

#include "server/metrics.h"
#include "server/sim_server.h"

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

namespace weir {
namespace {

std::size_t heap_bytes() {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
  return __sanitizer_get_current_allocated_bytes();
#else
  return mallinfo2().uordblks;
#endif
}

/// What a process keeps of a configuration.
struct Kept {
  std::map<std::string, std::shared_ptr<Cluster>> clusters;
  std::unique_ptr<Snapshot> snapshot;
};

Kept keep(std::string text) {
  Kept kept;
  auto source = [&](const std::string& name) {
    auto& cluster = kept.clusters[name];
    if (!cluster) cluster = std::make_shared<Cluster>(name);
    return cluster;
  };
  config::Diagnostics diagnostics;
  TlsMaterials tls;
  NamedStates states;
  kept.snapshot =
      build_snapshot(test::config_of(std::move(text)), {source, states, tls, 2}, diagnostics);
  for (const auto& entry : kept.snapshot->config.upstreams) {
    std::vector<WeightedAddress> addresses;
    for (const EndpointConfig& endpoint : entry.value.endpoints) {
      addresses.push_back({to_address(*endpoint.address), endpoint.weight});
    }
    kept.clusters.at(entry.name)->update("", std::move(addresses));
  }
  return kept;
}

std::string with(int routes, int upstreams, int endpoints) {
  std::string text = "listeners: [\":80\"]\nroutes:\n";
  for (int i = 0; i < routes; ++i) {
    text += fmt::format("- {{ match: {{ host: h{}.test, path: /p/* }}, reverse_proxy: u{} }}\n", i,
                        i % upstreams);
  }
  text += "upstreams:\n";
  for (int i = 0; i < upstreams; ++i) {
    text += fmt::format("  u{}:\n    endpoints:\n", i);
    for (int j = 0; j < endpoints; ++j) {
      text += fmt::format("    - 10.{}.{}.{}:80\n", i, j / 250, j % 250 + 1);
    }
  }
  return text;
}

std::size_t bytes_of(const std::string& text) {
  keep(text);  // what is made once per process
  std::size_t before = heap_bytes();
  Kept kept = keep(text);
  return heap_bytes() - before;
}

std::size_t difference(const std::string& small, const std::string& large, std::size_t count) {
  return (bytes_of(large) - bytes_of(small)) / count;
}

// The bound of a route and of an endpoint is what one may cost in all: typed configuration,
// compiled form and metrics.
TEST(Footprint, of_an_unused_route_is_bounded) {
  std::size_t bytes = difference(with(100, 1, 1), with(1100, 1, 1), 1000);
  fmt::print("an unused route takes {} bytes\n", bytes);
  EXPECT_LE(bytes, 4096u);
}

TEST(Footprint, of_an_unused_endpoint_is_bounded) {
  std::size_t bytes = difference(with(1, 1, 100), with(1, 1, 1100), 1000);
  fmt::print("an unused endpoint takes {} bytes\n", bytes);
  EXPECT_LE(bytes, 1536u);
}

TEST(Footprint, of_an_unused_upstream_is_bounded) {
  std::size_t bytes = difference(with(100, 100, 1), with(200, 200, 1), 100);
  fmt::print("an unused upstream, its endpoint and its route take {} bytes\n", bytes);
  EXPECT_LE(bytes, 8192u);
}

TEST(Footprint, of_metrics_does_not_grow_with_what_is_only_configured) {
  Kept kept = keep(with(1000, 10, 10));
  std::size_t before = heap_bytes();
  WorkerMetrics worker;
  EXPECT_EQ(heap_bytes() - before, 0u);
  SimWorld world(1);
  Loop& loop = world.add_loop();
  ConnectionFacts facts;
  auto record = [&](std::string_view route) {
    Exchange exchange(loop, facts, StopToken());
    exchange.set_route(route);
    worker.record(exchange);
  };
  record("first");
  before = heap_bytes();
  for (int i = 0; i < 100; ++i) record("route " + std::to_string(i));
  std::size_t used = (heap_bytes() - before) / 100;
  fmt::print("metrics: {} bytes of a worker, {} of a route that it has used\n",
             sizeof(WorkerMetrics), used);
  EXPECT_LE(used, 1536u);
  before = heap_bytes();
  for (int i = 0; i < 1000; ++i) record("route 7");
  EXPECT_EQ(heap_bytes(), before) << "only the first use of a name takes memory";
}

}  // namespace
}  // namespace weir

#include "admin/endpoints_page.h"

#include <chrono>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

// RFC 3339, as the logs write it; null if it never was.
Json time_text(std::int64_t nanoseconds) {
  if (nanoseconds == 0) return nullptr;
  auto milliseconds = nanoseconds / 1'000'000;
  auto seconds = fmt::gmtime(static_cast<std::time_t>(milliseconds / 1000));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", seconds, milliseconds % 1000);
}

double seconds(Duration time) { return static_cast<double>(time.count()) / 1e9; }

// One entry for each reason that holds; an endpoint without any is available.
Json away_json(const Cluster& cluster, const Endpoint& endpoint, const Health* health) {
  Json reasons = Json::array();
  if (endpoint.is(Away::unhealthy)) {
    Json reason = {{"reason", "unhealthy"}};
    if (health != nullptr) {
      reason["since"] = time_text(health->since());
      reason["detail"] = health->last_failure();
    }
    reasons.push_back(std::move(reason));
  }
  if (endpoint.is(Away::ejected)) {
    const OutlierState& outlier = endpoint.outlier;
    reasons.push_back({{"reason", "ejected"},
                       {"until", time_text(cluster.outliers().wall(outlier.ejected_until()))},
                       {"detail", name(outlier.reason.load(std::memory_order_relaxed))}});
  }
  if (endpoint.is(Away::disabled)) reasons.push_back({{"reason", "disabled"}});
  if (endpoint.is(Away::draining)) reasons.push_back({{"reason", "draining"}});
  return reasons;
}

std::string_view state_of(const Endpoint& endpoint) {
  if (endpoint.is(Away::disabled)) return "disabled";
  return endpoint.is(Away::draining) ? "draining" : "enabled";
}

Json health_json(const Health& health, const HealthConfig& config) {
  Json last = nullptr;
  if (health.checked()) {
    last = {{"result", health.last_passed() ? "pass" : "fail"},
            {"at", time_text(health.last_at())},
            {"seconds", seconds(health.last_took())}};
  }
  return {{"type", std::string(config::enum_word(config.type))},
          {"healthy", health.healthy()},
          {"since", time_text(health.since())},
          {"last", std::move(last)},
          {"passes_in_a_row", health.passes()},
          {"failures_in_a_row", health.failures()},
          {"passed", health.passed()},
          {"failed", health.failed()},
          {"last_failure", health.last_failure()}};
}

Json entry_of(const Cluster& cluster, const EndpointSet& set, std::size_t index,
              const HealthChecks* checks, TimePoint now) {
  const Endpoint& endpoint = *set.endpoints[index];
  const Health* health = checks != nullptr ? checks->find(cluster, endpoint) : nullptr;
  Json entry = {{"upstream", cluster.name()},
                {"endpoint", endpoint.text},
                {"host", endpoint.host},
                {"weight", set.weights[index]},
                {"priority", set.placements[index].priority},
                {"state", state_of(endpoint)},
                {"available", endpoint.available()},
                {"away", away_json(cluster, endpoint, health)},
                {"in_flight", endpoint.in_flight.load(std::memory_order_relaxed)},
                {"requests", endpoint.requests.load(std::memory_order_relaxed)},
                {"failures", endpoint.failures.load(std::memory_order_relaxed)},
                {"connect_failures", endpoint.connect_failures.load(std::memory_order_relaxed)}};
  if (std::uint32_t latency = endpoint.latency.value(now); latency > 0) {
    entry["latency_seconds"] = latency / 1e6;
  }
  if (health != nullptr) entry["health"] = health_json(*health, *checks->config_of(cluster.name()));
  return entry;
}

}  // namespace

std::string endpoints_json(const ProcessStatus& status, TimePoint now) {
  Json endpoints = Json::array();
  for (const auto& cluster : status.clusters()) {
    std::shared_ptr<const EndpointSet> set = cluster->endpoints();
    for (std::size_t i = 0; i < set->endpoints.size(); ++i) {
      endpoints.push_back(entry_of(*cluster, *set, i, status.health(), now));
    }
  }
  return Json({{"endpoints", std::move(endpoints)}}).dump(2) + "\n";
}

std::string endpoint_json(const ProcessStatus& status, const Cluster& cluster,
                          const Endpoint& endpoint, TimePoint now) {
  std::shared_ptr<const EndpointSet> set = cluster.endpoints();
  for (std::size_t i = 0; i < set->endpoints.size(); ++i) {
    if (set->endpoints[i].get() != &endpoint) continue;
    return entry_of(cluster, *set, i, status.health(), now).dump(2) + "\n";
  }
  return "null\n";
}

}  // namespace weir

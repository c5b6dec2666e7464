// `tracing`: which requests are traced, and where their spans go.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "config/schema.h"
#include "config/values.h"
#include "http/header_edits_config.h"
#include "middleware/forward_auth_config.h"

namespace weir {

enum class TraceTrust : std::uint8_t { proxies, anyone };

constexpr auto enum_names(TraceTrust) {
  return std::array{
      config::Name{"proxies", TraceTrust::proxies,
                   "Of the listener's `trusted_proxies`; what others send is replaced."},
      config::Name{"anyone", TraceTrust::anyone,
                   "Of every client: each can then have its requests sampled, or hide them."}};
}

struct TracingConfig {
  config::Located<std::string> collector;
  std::string path = "/v1/traces";
  std::string service = "weir";
  double percent = 1;
  bool keep_errors = false;
  std::optional<config::Duration> keep_slower_than;
  TraceTrust trust = TraceTrust::proxies;
  config::Map<std::string> resource;
  config::Map<std::string> headers;

  static constexpr auto schema = config::object(
      "tracing",
      "Distributed tracing: `traceparent` and `tracestate` (W3C Trace Context) in and out, spans "
      "to "
      "a collector by OTLP over HTTP.",
      config::field<&TracingConfig::collector>(
          "collector", "The name of an entry under `upstreams`: where spans are sent.",
          config::required, config::shorthand, config::not_empty, config::example("otel")),
      config::field<&TracingConfig::path>("path", "Where it takes them.",
                                          config::check(&check_auth_target)),
      config::field<&TracingConfig::service>("service", "What it calls this proxy: `service.name`.",
                                             config::not_empty),
      config::field<&TracingConfig::percent>(
          "percent",
          "How many of the traces that begin here are sampled. A trace that is continued is "
          "sampled "
          "if its caller says so. Routes may have a `trace_percent` of their own.",
          config::range(0, 100)),
      config::field<&TracingConfig::keep_errors>(
          "keep_errors",
          "Also sends the spans of requests that were not sampled, but ended with a status of 500 "
          "or above, broke off, or had an attempt that failed."),
      config::field<&TracingConfig::keep_slower_than>(
          "keep_slower_than", "The same for those that took this long.", config::none("off"),
          config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
      config::field<&TracingConfig::trust>("trust", "Whose `traceparent` is continued."),
      config::field<&TracingConfig::resource>(
          "resource", "What else the collector is told about this proxy, by name.",
          config::example("{ deployment.environment.name: production }")),
      config::field<&TracingConfig::headers>(
          "headers", "Headers of requests to the collector; their values are secret.",
          config::check_key(&check_header_name), config::check(&check_header_value), config::secret,
          config::example("{ Authorization: Bearer TOKEN }")));
};

}  // namespace weir

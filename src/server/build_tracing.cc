#include "server/build_tracing.h"

#include <unistd.h>

#include <array>
#include <string>

#include "core/version.h"
#include "server/otlp.h"

namespace weir {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

// What the user says of a name comes after what is said here, and takes its place.
std::string resource_of(const TracingConfig& config) {
  std::vector<std::pair<std::string, std::string>> attributes{
      {"service.name", config.service},
      {"service.version", std::string(kVersion)},
      {"host.name", host_name()}};
  std::erase_if(attributes,
                [&](const auto& each) { return config.resource.find(each.first) != nullptr; });
  for (const auto& each : config.resource) attributes.emplace_back(each.name, each.value);
  return otlp::resource(attributes);
}

FetchRequest request_of(const TracingConfig& config) {
  FetchRequest request{*config.collector, config.path, "application/x-protobuf"};
  for (const auto& each : config.headers) request.fields.emplace_back(each.name, each.value);
  return request;
}

}  // namespace

std::shared_ptr<const TracingPlan> tracing_plan(const Snapshot& snapshot) {
  const TracingConfig& config = *snapshot.config.tracing;
  auto plan = std::make_shared<TracingPlan>();
  plan->rules = {.share = trace_share(config.percent / 100),
                 .keep_errors = config.keep_errors,
                 .keep_slow = config.keep_slower_than.value_or(Duration::zero()),
                 .trust_anyone = config.trust == TraceTrust::anyone};
  plan->collector = snapshot.upstreams.find(*config.collector)->second;
  plan->request = request_of(config);
  plan->resource = resource_of(config);
  plan->redaction = snapshot.config.redact.rules();
  return plan;
}

}  // namespace weir

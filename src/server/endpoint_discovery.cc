#include "server/endpoint_discovery.h"

#include "core/log.h"
#include "io/deadline.h"

namespace weir {
namespace {

bool is_name(const EndpointConfig& endpoint) {
  return endpoint.address->kind == config::Address::Kind::name;
}

std::set<std::string> names_in(const ServerConfig& config) {
  std::set<std::string> names;
  for (const auto& upstream : config.upstreams) {
    for (const EndpointConfig& endpoint : upstream.value.endpoints) {
      if (is_name(endpoint)) names.insert(endpoint.address->host);
    }
  }
  return names;
}

}  // namespace

Task<void> EndpointDiscovery::prepare(const ServerConfig& config) {
  Deadline deadline(loop_, kFirstAnswers);
  Scope questions;
  for (const std::string& name : names_in(config)) {
    if (!followed_.contains(name)) questions.spawn(ask(name, deadline.token()));
  }
  co_await questions.join();
}

Task<void> EndpointDiscovery::ask(std::string name, StopToken stop) {
  Result<dns::Addresses> answer = co_await resolver_.resolve(name, stop);
  if (answer) co_return;
  const Error& error = answer.error();
  log(LogLevel::warning, "name_not_resolved",
      {{"name", name}, {"reason", error.detail.empty() ? weir::name(error.code) : error.detail}});
}

void EndpointDiscovery::follow(const ServerConfig& config, const ClusterMap& clusters) {
  std::vector<DnsSource> sources;
  std::vector<std::pair<Cluster*, std::vector<std::string>>> leaving;
  for (const auto& upstream : config.upstreams) {
    const std::shared_ptr<Cluster>& cluster = clusters.at(upstream.name);
    std::vector<std::string> kept = {""};  // the addresses that the configuration gives itself
    for (const EndpointConfig& endpoint : upstream.value.endpoints) {
      if (!is_name(endpoint)) continue;
      sources.push_back({cluster, endpoint.address->host, endpoint.address->port, endpoint.weight});
      kept.push_back(sources.back().key());
    }
    leaving.emplace_back(cluster.get(), std::move(kept));
  }
  // What is answered already comes in here, before what is not named any more goes.
  dns_.follow(sources);
  for (const auto& [cluster, kept] : leaving) cluster->keep_sources(kept);
  followed_ = names_in(config);
}

}  // namespace weir

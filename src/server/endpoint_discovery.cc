#include "server/endpoint_discovery.h"

#include "core/log.h"
#include "io/deadline.h"

namespace weir {
namespace {

DnsSource source_of(const EndpointConfig& endpoint) {
  const config::Address& address = *endpoint.address;
  return {.cluster = nullptr,
          .name = address.host,
          .port = address.port,
          .weight = endpoint.weight,
          .service = address.kind == config::Address::Kind::service,
          .placement = endpoint.placement()};
}

void warn(const std::string& name, const Error& error) {
  log("name_not_resolved",
      {{"name", name}, {"reason", error.detail.empty() ? weir::name(error.code) : error.detail}});
}

}  // namespace

bool is_followed(const EndpointConfig& endpoint) {
  using Kind = config::Address::Kind;
  return endpoint.address->kind == Kind::name || endpoint.address->kind == Kind::service;
}

Task<void> EndpointDiscovery::prepare(const ServerConfig& config) {
  Deadline deadline(loop_, kFirstAnswers);
  Scope questions;
  std::set<std::string> asked = followed_;
  for (const auto& upstream : config.upstreams) {
    for (const EndpointConfig& endpoint : upstream.value.endpoints) {
      if (!is_followed(endpoint)) continue;
      DnsSource source = source_of(endpoint);
      if (asked.insert(source.name).second) questions.spawn(ask(source, deadline.token()));
    }
  }
  co_await questions.join();
}

// The answers stay in the resolver's memory, where DnsDiscovery finds them.
Task<void> EndpointDiscovery::ask(DnsSource source, StopToken stop) {
  std::set<std::string> hosts;
  if (source.service) {
    Result<dns::Answer> answer = co_await resolver_.lookup(source.name, dns::RecordType::srv, stop);
    if (!answer) co_return warn(source.name, answer.error());
    for (const dns::Service& each : answer->services) hosts.insert(each.target + ".");
    if (hosts.empty())
      warn(source.name, Error(ErrorCode::dns_failure, Origin::weir, "no SRV record"));
  } else {
    hosts.insert(source.name);
  }
  for (const std::string& host : hosts) {
    Result<dns::Addresses> answer = co_await resolver_.resolve(host, stop);
    if (!answer) warn(host, answer.error());
  }
}

void EndpointDiscovery::follow(const ServerConfig& config, const ClusterMap& clusters) {
  std::vector<DnsSource> sources;
  followed_.clear();
  std::vector<std::pair<Cluster*, std::vector<std::string>>> leaving;
  for (const auto& upstream : config.upstreams) {
    const std::shared_ptr<Cluster>& cluster = clusters.at(upstream.name);
    std::vector<std::string> kept = {""};  // the addresses that the configuration gives itself
    for (const EndpointConfig& endpoint : upstream.value.endpoints) {
      if (!is_followed(endpoint)) continue;
      sources.push_back(source_of(endpoint));
      sources.back().cluster = cluster;
      kept.push_back(sources.back().key());
      followed_.insert(sources.back().name);
    }
    leaving.emplace_back(cluster.get(), std::move(kept));
  }
  // What is answered already comes in here, before what is not named any more goes.
  dns_.follow(sources);
  for (const auto& [cluster, kept] : leaving) cluster->keep_sources(kept);
}

}  // namespace weir

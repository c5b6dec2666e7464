#include "tunnel/endpoint_search.h"

#include "cluster/endpoint_view.h"
#include "core/hash.h"

namespace weir {
namespace {

// The address is written as HTTP's `client_ip` is, so that both give a client the same endpoint.
std::uint64_t hash_of(const IpAddress& client) {
  char text[46];
  return stable_hash({text, client.write(text)});
}

}  // namespace

void EndpointSearch::exclude_avoided() {
  for (std::uint32_t i = 0; i < set_->endpoints.size(); ++i) {
    if (set_->endpoints[i].get() == avoided_) tried_[tried_count_++] = i;
  }
}

std::optional<std::uint32_t> EndpointSearch::preferred() const {
  if (!preferred_) return std::nullopt;
  for (std::uint32_t i = 0; i < set_->endpoints.size(); ++i) {
    if (set_->endpoints[i] == preferred_) return i;
  }
  return std::nullopt;
}

Result<EndpointLease> EndpointSearch::next(bool again) {
  Cluster& cluster = *upstream_.cluster;
  EndpointView& view = EndpointView::of(loop_, cluster);
  if (const auto& current = view.endpoints(cluster); current != set_) {
    set_ = current;  // indices mean something else from now on
    tried_count_ = 0;
    if (avoided_ != nullptr) exclude_avoided();
  }
  PickFacts facts{.random = loop_.random(),
                  .cursor = view.cursor(),
                  .excluded = std::span(tried_.data(), tried_count_),
                  .now = loop_.now(),
                  .preferred = preferred()};
  if (goes_by_key(upstream_.balance.algorithm)) facts.hash = hash_of(client_);
  if (upstream_.balance.max_load > 0) {
    facts.in_flight = cluster.in_flight.load(std::memory_order_relaxed);
  }
  std::optional<std::uint32_t> index = set_->pick(facts);
  if (!index) return fail(ErrorCode::no_endpoint, Origin::upstream, "no endpoint is available");
  Result<Admission> admission =
      Admission::ask(cluster.admission(), upstream_.admission, again, loop_.now());
  if (!admission) return fail(admission.error());
  if (tried_count_ < kMaxTried) tried_[tried_count_++] = *index;
  return EndpointLease(upstream_, set_->endpoints[*index], std::move(*admission));
}

}  // namespace weir

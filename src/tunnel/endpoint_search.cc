#include "tunnel/endpoint_search.h"

#include <algorithm>
#include <vector>

#include "cluster/endpoint_view.h"
#include "cluster/room.h"
#include "core/hash.h"
#include "io/deadline.h"

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

void EndpointSearch::look() {
  const auto& current = EndpointView::of(loop_, *upstream_.cluster).endpoints(*upstream_.cluster);
  if (current == set_) return;
  set_ = current;  // indices mean something else from now on
  tried_count_ = 0;
  if (avoided_ != nullptr) exclude_avoided();
}

// Where endpoints have limits, the one that is picked counts it already.
std::optional<std::uint32_t> EndpointSearch::pick() {
  Cluster& cluster = *upstream_.cluster;
  auto any = [&] {
    PickFacts facts{.random = loop_.random(),
                    .cursor = EndpointView::of(loop_, cluster).cursor(),
                    .excluded = std::span(tried_.data(), tried_count_),
                    .now = loop_.now(),
                    .preferred = preferred()};
    if (goes_by_key(upstream_.balance.algorithm)) facts.hash = hash_of(client_);
    if (upstream_.balance.max_load > 0) {
      facts.in_flight = cluster.in_flight.load(std::memory_order_relaxed);
    }
    std::optional<std::uint32_t> index = set_->pick(facts);
    if (index || tried_count_ == 0) return index;
    facts.ejected_too = true;  // it may be well again; those that were tried have just failed
    return set_->pick(facts);
  };
  if (!upstream_.limits.any()) return any();
  return pick_with_room(cluster.queue(), *set_, upstream_.limits.max_requests, any);
}

Result<Admission> EndpointSearch::ask(bool again) {
  return Admission::ask(upstream_.cluster->admission(), upstream_.admission, again, loop_.now());
}

EndpointLease EndpointSearch::lease(std::shared_ptr<Endpoint> endpoint, Admission admission) {
  const auto& all = set_->endpoints;
  auto found = std::ranges::find(all, endpoint);
  if (found != all.end() && tried_count_ < kMaxTried) {
    tried_[tried_count_++] = static_cast<std::uint32_t>(found - all.begin());
  }
  return EndpointLease(upstream_, std::move(endpoint), std::move(admission));
}

Result<EndpointLease> EndpointSearch::next(bool again) {
  look();
  Result<Admission> admission = ask(again);
  if (!admission) return fail(admission.error());
  std::optional<std::uint32_t> index = pick();
  if (!index) return fail(ErrorCode::no_endpoint, Origin::upstream, "no endpoint is available");
  return lease(set_->endpoints[*index], std::move(*admission));
}

Task<Result<EndpointLease>> EndpointSearch::next_in_turn(bool again, StopToken stop) {
  look();
  Result<Admission> admission = ask(again);
  if (!admission) co_return fail(admission.error());
  std::uint64_t epoch = upstream_.cluster->queue().epoch();
  std::optional<std::uint32_t> index = pick();
  if (index) co_return lease(set_->endpoints[*index], std::move(*admission));
  if (!upstream_.limits.any() || tried_count_ >= set_->size_of(nullptr)) {
    co_return fail(ErrorCode::no_endpoint, Origin::upstream, "no endpoint is available");
  }
  Result<std::shared_ptr<Endpoint>> given = co_await wait(epoch, stop);
  if (!given) co_return fail(given.error());
  look();
  co_return lease(std::move(*given), std::move(*admission));
}

Task<Result<std::shared_ptr<Endpoint>>> EndpointSearch::wait(std::uint64_t epoch, StopToken stop) {
  std::vector<const Endpoint*> tried;
  for (std::uint32_t each : std::span(tried_.data(), tried_count_)) {
    tried.push_back(set_->endpoints[each].get());
  }
  Deadline patience(loop_, upstream_.limits.queue_timeout, stop);
  OperationAwaiter<RequestQueue::Wait> turn(patience.token(), upstream_.cluster->queue(), loop_,
                                            nullptr, std::move(tried), epoch,
                                            upstream_.limits.queue);
  Result<std::shared_ptr<Endpoint>> given = co_await turn;
  if (given || stop.stopped() || given.error().code == ErrorCode::queue_full) co_return given;
  co_return fail(ErrorCode::queue_timeout, Origin::weir, "no endpoint had room in time");
}

}  // namespace weir

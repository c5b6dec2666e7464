#include "upstream/endpoint_picker.h"

#include <algorithm>
#include <span>

#include "cluster/room.h"
#include "expression/exchange_facts.h"
#include "io/deadline.h"

namespace weir {

EndpointPicker::EndpointPicker(Exchange& exchange, Pool& pool, const UpstreamOptions& options)
    : exchange_(exchange), pool_(pool), options_(options) {
  if (options.key) hash_ = options.key->hash(expression::ExchangeFacts(exchange));
  if (options.sticky) brought_ = options.sticky->read(exchange);
}

std::optional<PickedEndpoint> EndpointPicker::pick(bool again) {
  const EndpointSet& set = pool_.endpoints();
  if (brought_ && again) home_ = home(set);
  bool limited = options_.limits.any();
  std::optional<std::uint32_t> index = limited ? pick_limited(set, again) : pick(set, again);
  full_ = !index && limited && again && set.size_of(options_.subset.get()) > 0;
  if (!index) return std::nullopt;
  return take(set.endpoints[*index], *index);
}

std::optional<std::uint32_t> EndpointPicker::pick(const EndpointSet& set, bool again) {
  PickFacts facts{.random = exchange_.loop().random(),
                  .cursor = pool_.cursors().front(),
                  .cursors = pool_.cursors(),
                  .excluded = std::span(tried_.data(), tried_count_),
                  .subset = options_.subset.get(),
                  .now = exchange_.loop().now(),
                  .hash = hash_,
                  .preferred = home_};
  if (options_.balance.max_load > 0) {
    facts.in_flight = pool_.cluster().in_flight.load(std::memory_order_relaxed);
  }
  std::optional<std::uint32_t> index = set.pick(facts);
  if (index || tried_count_ == 0 || !again) return index;
  // One that was ejected may be well again; those that were tried have just failed.
  facts.ejected_too = true;
  if (index = set.pick(facts); index) return index;
  facts.excluded = {};
  return set.pick(facts);
}

void EndpointPicker::put_back(const PickedEndpoint& at) {
  forget_last();
  if (options_.limits.any()) pool_.cluster().queue().ended(*at.endpoint);
}

PickedEndpoint EndpointPicker::take(std::shared_ptr<Endpoint> endpoint, std::uint32_t index) {
  if (tried_count_ < kMaxTried) tried_[tried_count_++] = index;
  return {std::move(endpoint), index};
}

Error EndpointPicker::none() {
  if (options_.subset && pool_.endpoints().size_of(options_.subset.get()) == 0) {
    return {ErrorCode::subset_empty, Origin::upstream, "no endpoint has the labels"};
  }
  return {ErrorCode::no_endpoint, Origin::upstream, "no endpoint is configured"};
}

// --- limits ------------------------------------------------------------------------------------

std::optional<std::uint32_t> EndpointPicker::pick_limited(const EndpointSet& set, bool again) {
  RequestQueue& queue = pool_.cluster().queue();
  epoch_ = queue.epoch();
  return pick_with_room(queue, set, options_.limits.max_requests, [&] { return pick(set, again); });
}

Task<Result<PickedEndpoint>> EndpointPicker::wait() {
  Deadline patience(exchange_.loop(), options_.limits.queue_timeout, exchange_.stop());
  OperationAwaiter<RequestQueue::Wait> turn(
      patience.token(), pool_.cluster().queue(), exchange_.loop(), options_.subset.get(),
      tried(pool_.endpoints()), epoch_, options_.limits.queue);
  Result<std::shared_ptr<Endpoint>> given = co_await turn;
  full_ = false;
  if (!given) co_return fail(why_not(given.error()));
  pool_.counters().queued.add();
  const std::vector<std::shared_ptr<Endpoint>>& now = pool_.endpoints().endpoints;
  auto index = static_cast<std::uint32_t>(std::ranges::find(now, *given) - now.begin());
  co_return take(std::move(*given), index);
}

// When all were tried, any may have another go.
std::vector<const Endpoint*> EndpointPicker::tried(const EndpointSet& set) const {
  std::vector<const Endpoint*> tried;
  if (tried_count_ >= set.size_of(options_.subset.get())) return tried;
  for (std::uint32_t index : std::span(tried_.data(), tried_count_)) {
    if (index < set.endpoints.size()) tried.push_back(set.endpoints[index].get());
  }
  return tried;
}

Error EndpointPicker::why_not(const Error& error) {
  PoolCounters& counters = pool_.counters();
  if (error.code == ErrorCode::queue_full) {
    counters.queue_full.add();
    return error;
  }
  counters.queued.add();
  if (exchange_.stop().stopped()) return error;
  counters.queue_timed_out.add();
  return {ErrorCode::queue_timeout, Origin::weir, "no endpoint had room in time"};
}

// --- sticky sessions ---------------------------------------------------------------------------

// After a failure the client stays with the endpoint that answers.
std::optional<std::uint32_t> EndpointPicker::home(const EndpointSet& set) const {
  if (!set.aliases || tried_count_ > 0) return std::nullopt;
  std::optional<std::uint32_t> index = set.aliases->find(*brought_);
  bool here = index && set.endpoints[*index]->keeps_clients();
  return here && set.has(options_.subset.get(), *index) ? index : std::nullopt;
}

void EndpointPicker::answered(std::uint32_t index, Response& response) {
  if (!options_.sticky) return;
  if (home_ && *home_ != index) return;  // it only had no room
  const EndpointSet& set = pool_.endpoints();
  if (!set.aliases || index >= set.endpoints.size()) return;
  const Alias& alias = (*set.aliases)[index];
  if (alias != brought_) options_.sticky->write(exchange_, response, alias);
}

}  // namespace weir

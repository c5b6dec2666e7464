#include "upstream/retries.h"

#include <span>

#include "expression/exchange_facts.h"

namespace weir {

Retries::Retries(Exchange& exchange, Pool& pool, const UpstreamRequest& request,
                 const UpstreamOptions& options)
    : exchange_(exchange),
      pool_(pool),
      request_(request),
      options_(options),
      left_(options.attempts),
      last_(ErrorCode::no_endpoint, Origin::upstream, "no endpoint is configured") {
  terms_.certain = !is_idempotent(request.message.method) || request.message.body != nullptr;
  if (options.key) hash_ = options.key->hash(expression::ExchangeFacts(exchange));
}

Attempt* Retries::begin() {
  if (left_ == 0) return nullptr;
  bool again = exchange_.upstream().attempts > 0;
  Result<Admission> admission = Admission::ask(pool_.cluster().admission(), options_.admission,
                                               again, exchange_.loop().now());
  if (!admission) {
    if (!again) last_ = admission.error();
    return nullptr;
  }
  const EndpointSet& set = pool_.endpoints();
  std::optional<std::uint32_t> index = pick(set);
  if (!index) {
    if (options_.subset && set.size_of(options_.subset.get()) == 0) {
      last_ = Error(ErrorCode::subset_empty, Origin::upstream, "no endpoint has the labels");
    }
    return nullptr;
  }
  if (tried_count_ < kMaxTried) tried_[tried_count_++] = *index;
  ++exchange_.upstream().attempts;
  PickedEndpoint at{set.endpoints[*index], *index};
  return exchange_.own<Attempt>(exchange_, pool_, std::move(at), request_, options_, terms_,
                                std::move(*admission));
}

std::optional<std::uint32_t> Retries::pick(const EndpointSet& set) {
  PickFacts facts{.random = exchange_.loop().random(),
                  .cursor = pool_.cursors().front(),
                  .cursors = pool_.cursors(),
                  .excluded = std::span(tried_.data(), tried_count_),
                  .subset = options_.subset.get(),
                  .now = exchange_.loop().now(),
                  .hash = hash_};
  if (options_.balance.max_load > 0) {
    facts.in_flight = pool_.cluster().in_flight.load(std::memory_order_relaxed);
  }
  std::optional<std::uint32_t> index = set.pick(facts);
  if (index || tried_count_ == 0) return index;
  facts.excluded = {};  // all were tried: any may have another go
  return set.pick(facts);
}

void Retries::failed(Attempt& attempt, const Error& error) {
  attempt.failed(error);
  last_ = error;
  if (falls_back(attempt, error)) {
    terms_.http1 = true;
    --tried_count_;
  } else if (!may_repeat(error)) {
    left_ = 0;
  } else if (attempt.was_stale(error) && !terms_.fresh_only) {
    terms_.fresh_only = true;
    --tried_count_;
  } else {
    --left_;
  }
}

bool Retries::may_repeat(const Error& error) const {
  if (error.origin == Origin::client || error.code == ErrorCode::cancelled) return false;
  if (error.retry == Retry::always) return true;
  return error.retry == Retry::if_unsent && is_idempotent(request_.message.method) &&
         request_.message.body == nullptr;
}

// The endpoint speaks HTTP/2 but no WebSocket over it (RFC 8441): HTTP/1.1 may do.
bool Retries::falls_back(const Attempt& attempt, const Error& error) const {
  return error.code == ErrorCode::unsupported && !request_.message.upgrade.empty() &&
         attempt.was_sent() && attempt.over_http2() &&
         options_.protocol == UpstreamProtocol::automatic;
}

}  // namespace weir

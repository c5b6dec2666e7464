#include "upstream/attempts.h"

#include <span>

#include "expression/exchange_facts.h"
#include "http/h2/client_exchange.h"
#include "upstream/dial.h"

namespace weir {

/// The loan of a connection for one attempt: counts it and takes it home. Owned by the exchange.
class Lease final : public h1::ConnectionHome {
 public:
  Lease(Pool& pool, std::shared_ptr<Endpoint> endpoint, std::uint32_t index,
        const UpstreamOptions& options)
      : pool_(pool), endpoint_(std::move(endpoint)), index_(index), limits_(options.pool) {
    if (options.balance.max_load > 0) all_ = &pool.cluster().in_flight;
    if (all_ != nullptr) all_->fetch_add(1, std::memory_order_relaxed);
    endpoint_->in_flight.fetch_add(1, std::memory_order_relaxed);
    endpoint_->requests.fetch_add(1, std::memory_order_relaxed);
  }
  ~Lease() { end(); }

  void give_back(h1::ClientConnection connection) override {
    pool_.put(*endpoint_, index_, std::move(connection), limits_);
    end();
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    endpoint_->in_flight.fetch_sub(1, std::memory_order_relaxed);
    if (all_ != nullptr) all_->fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  Pool& pool_;
  std::shared_ptr<Endpoint> endpoint_;
  std::uint32_t index_;
  const PoolLimits& limits_;
  std::atomic<std::uint32_t>* all_ = nullptr;  // of the cluster; null: nobody asks
  bool ended_ = false;
};

Attempts::Attempts(Exchange& exchange, Pool& pool, UpstreamRequest& request,
                   const UpstreamOptions& options)
    : exchange_(exchange),
      pool_(pool),
      request_(request),
      options_(options),
      facts_(exchange.upstream()),
      left_(options.attempts),
      last_(ErrorCode::no_endpoint, Origin::upstream, "no endpoint is configured"),
      certain_(!is_idempotent(request.message.method) || request.message.body != nullptr) {
  if (options.key) hash_ = options.key->hash(expression::ExchangeFacts(exchange));
}

// --- where to ----------------------------------------------------------------------------------

bool Attempts::begin() {
  if (left_ == 0) return false;
  const EndpointSet& set = pool_.endpoints();
  std::optional<std::uint32_t> index = pick(set);
  if (!index) return false;
  index_ = *index;
  endpoint_ = set.endpoints[index_];
  if (tried_count_ < kMaxTried) tried_[tried_count_++] = index_;
  facts_.endpoint = endpoint_->address;
  ++facts_.attempts;
  lease_ = exchange_.own<Lease>(pool_, endpoint_, index_, options_);
  take();
  facts_.reused = connected();
  return true;
}

std::optional<std::uint32_t> Attempts::pick(const EndpointSet& set) {
  PickFacts facts{.random = exchange_.loop().random(),
                  .cursor = pool_.cursor(),
                  .excluded = std::span(tried_.data(), tried_count_),
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

void Attempts::take() {
  session_ = {};
  if (!over_http1() && take_session()) return;
  if (!fresh_only_) connection_ = pool_.take(*endpoint_, index_, certain_, options_.pool);
}

// True if HTTP/2 is to be spoken, over a session that is there or is to be opened.
bool Attempts::take_session() {
  std::shared_ptr<SessionPool> sessions = pool_.sessions(endpoint_, index_);
  bool may_fall_back = options_.protocol == UpstreamProtocol::automatic;
  if (may_fall_back && !request_.message.upgrade.empty() && sessions->refuses_upgrades(options_)) {
    http1_ = true;
    return false;
  }
  session_ = sessions->find(options_);
  return session_ || !sessions->speaks_http1(options_);
}

Task<Status> Attempts::connect() {
  Loop& loop = exchange_.loop();
  TimePoint started = loop.now();
  if (over_http1()) {
    Dial to(*endpoint_, options_);
    to.protocol = UpstreamProtocol::http1;
    Result<Dialled> made = co_await dial(loop, std::move(to), exchange_.stop());
    facts_.connect = loop.now() - started;
    if (!made) co_return fail(made.error());
    connection_.stream = std::move(made->stream);
  } else {
    std::shared_ptr<SessionPool> sessions = pool_.sessions(endpoint_, index_);
    Result<SessionPool::Leased> made = co_await sessions->lease(options_, exchange_.stop());
    facts_.connect = loop.now() - started;
    if (!made) co_return fail(made.error());
    session_ = std::move(made->session);
    connection_.stream = std::move(made->stream);
  }
  if (session_) co_return Status();
  connection_.born = loop.now();
  connection_.uses = 0;
  connection_.tls = options_.tls.get();
  pool_.counters().opened.add();
  co_return Status();
}

// --- over what ---------------------------------------------------------------------------------

Task<Result<Response>> Attempts::ask() {
  if (request_.host_of_endpoint) request_.headers->set(HeaderId::host, endpoint_->text);
  asked_ = exchange_.loop().now();
  if (!session_) {
    facts_.version = Version::http_1_1;
    auto* over = exchange_.own<h1::ClientExchange>(exchange_, std::move(connection_), *lease_,
                                                   options_.exchange);
    return over->run(request_.message);
  }
  facts_.version = Version::http_2;
  facts_.reused = session_->uses() > 0;
  (facts_.reused ? pool_.counters().reused : pool_.counters().opened).add();
  auto* over = exchange_.own<h2::ClientExchange>(exchange_, *session_, options_.exchange);
  session_ = {};
  return over->run(request_.message);
}

// --- what came of it ---------------------------------------------------------------------------

void Attempts::succeeded(const Response& response) {
  facts_.response = exchange_.loop().now() - asked_;
  facts_.status = response.status;
  if (options_.balance.algorithm == Balance::peak_ewma) {
    endpoint_->latency.answered(facts_.response, exchange_.loop().now());
  }
}

void Attempts::failed_to_connect(const Error& error) {
  lease_->end();
  last_ = error;
  if (error.origin == Origin::client || error.code == ErrorCode::cancelled) return give_up();
  endpoint_->connect_failures.fetch_add(1, std::memory_order_relaxed);
  if (options_.balance.algorithm == Balance::peak_ewma) {
    endpoint_->latency.failed(Duration::zero(), exchange_.loop().now());
  }
  --left_;
}

void Attempts::failed(const Error& error) {
  lease_->end();
  last_ = error;
  if (falls_back(error)) {
    http1_ = true;
    --tried_count_;
    return;
  }
  if (error.origin != Origin::client) {
    endpoint_->failures.fetch_add(1, std::memory_order_relaxed);
  }
  if (options_.balance.algorithm == Balance::peak_ewma) tell_latency(error);
  if (!may_repeat(error)) return give_up();
  if (facts_.reused && error.code == ErrorCode::reset && !fresh_only_) {
    fresh_only_ = true;  // it was stale; the endpoint itself may be well
    --tried_count_;
  } else {
    --left_;
  }
}

// A client that leaves says nothing good; the upload of a slow one nothing at all. A stale
// connection is no fault of the endpoint.
void Attempts::tell_latency(const Error& error) {
  TimePoint now = exchange_.loop().now();
  if (error.origin == Origin::client || error.code == ErrorCode::cancelled) {
    if (request_.message.body == nullptr) endpoint_->latency.abandoned(now - asked_, now);
  } else if (!facts_.reused || error.code != ErrorCode::reset) {
    endpoint_->latency.failed(now - asked_, now);
  }
}

bool Attempts::may_repeat(const Error& error) const {
  if (error.retry == Retry::always) return true;
  return error.retry == Retry::if_unsent && is_idempotent(request_.message.method) &&
         request_.message.body == nullptr;
}

// The endpoint speaks HTTP/2 but no WebSocket over it (RFC 8441): HTTP/1.1 may do.
bool Attempts::falls_back(const Error& error) const {
  return error.code == ErrorCode::unsupported && !request_.message.upgrade.empty() && !http1_ &&
         facts_.version == Version::http_2 && options_.protocol == UpstreamProtocol::automatic;
}

}  // namespace weir

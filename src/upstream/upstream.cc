#include "upstream/upstream.h"

#include <array>

#include "io/tls/handshake.h"

namespace weir {
namespace {

constexpr std::size_t kMaxTried = 16;

/// The loan of a connection for one attempt: counts it and takes it home. Owned by the exchange.
class Lease final : public h1::ConnectionHome {
 public:
  Lease(Pool& pool, std::shared_ptr<Endpoint> endpoint, std::uint32_t index,
        const PoolLimits& limits)
      : pool_(pool), endpoint_(std::move(endpoint)), index_(index), limits_(limits) {
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
  }

 private:
  Pool& pool_;
  std::shared_ptr<Endpoint> endpoint_;
  std::uint32_t index_;
  const PoolLimits& limits_;
  bool ended_ = false;
};

/// Stops a connect that takes too long.
struct ConnectAlarm : Timer {
  ConnectAlarm()
      : Timer([](Timer& self) {
          static_cast<ConnectAlarm&>(self).stop->request(
              Error(ErrorCode::connect_timeout, Origin::upstream, "connect", Retry::always));
        }) {}
  StopSource* stop = nullptr;
};

bool may_repeat(const Error& error, const h1::ClientRequest& request) {
  if (error.retry == Retry::always) return true;
  return error.retry == Retry::if_unsent && is_idempotent(request.method) &&
         request.body == nullptr;
}

}  // namespace

Task<Result<h1::ClientConnection>> Upstream::connect(Exchange& exchange, const Endpoint& endpoint,
                                                     const UpstreamOptions& options) const {
  Loop& loop = exchange.loop();
  StopSource stop(exchange.stop());
  ConnectAlarm alarm;
  alarm.stop = &stop;
  TimePoint started = loop.now();
  loop.timers().arm(alarm, started + options.connect_timeout);
  Result<std::unique_ptr<Stream>> stream = co_await loop.connect(endpoint.address, stop.token());
  if (stream && options.tls) {
    stream = co_await tls_connect(std::move(*stream), options.tls, endpoint.host, stop.token());
  }
  exchange.upstream().connect = loop.now() - started;
  if (stream) {
    co_return h1::ClientConnection{std::move(*stream), loop.now(), 0, options.tls.get()};
  }
  Error error = stream.error();
  if (error.origin != Origin::client && error.code != ErrorCode::cancelled) {
    error = error.with(Origin::upstream).with(Retry::always);
  }
  co_return fail(error);
}

Task<Result<Response>> Upstream::send(Exchange& exchange, UpstreamRequest request,
                                      const UpstreamOptions& options) const {
  Pool& pool = Pool::of(exchange.loop(), cluster_, options.share_connections);
  UpstreamFacts& facts = exchange.upstream();
  facts.name = cluster_->name();
  std::array<std::uint32_t, kMaxTried> tried;
  std::size_t tried_count = 0;
  bool certain = !is_idempotent(request.message.method) || request.message.body != nullptr;
  bool fresh_only = false;
  Error last(ErrorCode::no_endpoint, Origin::upstream, "no endpoint is configured");
  for (std::uint32_t attempt = 0; attempt < options.attempts;) {
    const EndpointSet& set = pool.endpoints();
    PickFacts pick{exchange.loop().random(), pool.cursor(), std::span(tried.data(), tried_count)};
    std::optional<std::uint32_t> index = options.balancer->pick(set, pick);
    if (!index && tried_count > 0) {  // all were tried: any may have another go
      pick.excluded = {};
      index = options.balancer->pick(set, pick);
    }
    if (!index) co_return fail(last);
    std::shared_ptr<Endpoint> endpoint = set.endpoints[*index];
    if (tried_count < kMaxTried) tried[tried_count++] = *index;
    facts.endpoint = endpoint->address;
    ++facts.attempts;

    h1::ClientConnection connection;
    if (!fresh_only) connection = pool.take(*endpoint, *index, certain, options.pool);
    facts.reused = connection.stream != nullptr;
    Lease* lease = exchange.own<Lease>(pool, endpoint, *index, options.pool);
    if (!facts.reused) {
      Result<h1::ClientConnection> made = co_await connect(exchange, *endpoint, options);
      if (!made) {
        lease->end();
        last = made.error();
        if (last.origin == Origin::client || last.code == ErrorCode::cancelled)
          co_return fail(last);
        endpoint->connect_failures.fetch_add(1, std::memory_order_relaxed);
        ++attempt;
        continue;
      }
      pool.counters().opened.add();
      connection = std::move(*made);
    }
    if (request.host_of_endpoint) request.headers->set(HeaderId::host, endpoint->text);
    TimePoint started = exchange.loop().now();
    auto* sent =
        exchange.own<h1::ClientExchange>(exchange, std::move(connection), *lease, options.exchange);
    Result<Response> response = co_await sent->run(request.message);
    if (response) {
      facts.response = exchange.loop().now() - started;
      facts.status = response->status;
      co_return response;
    }
    lease->end();
    last = response.error();
    if (last.origin != Origin::client) endpoint->failures.fetch_add(1, std::memory_order_relaxed);
    if (!may_repeat(last, request.message)) co_return fail(last);
    if (facts.reused && last.code == ErrorCode::reset && !fresh_only) {
      fresh_only = true;  // it was stale; the endpoint itself may be well
      --tried_count;
    } else {
      ++attempt;
    }
  }
  co_return fail(last);
}

}  // namespace weir

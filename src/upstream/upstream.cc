#include "upstream/upstream.h"

#include "upstream/race.h"

namespace weir {
namespace {

// How long an attempt may take until it is late.
Duration lateness(const HedgePolicy& hedge, Pool& pool) {
  if (hedge.percentile == 0) return hedge.after;
  return pool.response_times().percentile(hedge.percentile).value_or(Duration::zero());
}

}  // namespace

Task<Result<Response>> Upstream::send(Exchange& exchange, UpstreamRequest request,
                                      const UpstreamOptions& options) const {
  Pool& pool = Pool::of(exchange.loop(), cluster_, options.share_connections);
  exchange.upstream().name = cluster_->name();
  Retries retries(exchange, pool, request, options);
  if (options.retries.hedge && Race::suits(request, options.retries)) [[unlikely]] {
    Race* race = exchange.own<Race>(exchange, request);
    co_return co_await race->run(retries, lateness(options.retries.hedge, pool));
  }
  while (true) {
    Attempt* attempt = retries.begin();
    if (attempt == nullptr && retries.must_wait()) attempt = co_await retries.wait();
    if (attempt == nullptr) break;
    Status ready;
    if (!attempt->connected()) ready = co_await attempt->connect();
    if (ready) {
      Result<Response> response = co_await attempt->ask(request);
      if (response && retries.accepts(*attempt, *response)) co_return response;
      if (!response) retries.failed(*attempt, response.error());
    } else {
      retries.failed(*attempt, ready.error());
    }
    if (retries.pause() > Duration::zero()) {
      Status waited = co_await exchange.loop().sleep_for(retries.pause(), exchange.stop());
      if (!waited) co_return fail(waited.error());
    }
  }
  co_return fail(retries.last());
}

}  // namespace weir

#include "upstream/upstream.h"

#include "upstream/retries.h"

namespace weir {

Task<Result<Response>> Upstream::send(Exchange& exchange, UpstreamRequest request,
                                      const UpstreamOptions& options) const {
  Pool& pool = Pool::of(exchange.loop(), cluster_, options.share_connections);
  exchange.upstream().name = cluster_->name();
  Retries retries(exchange, pool, request, options);
  while (Attempt* attempt = retries.begin()) {
    if (!attempt->connected()) {
      Status opened = co_await attempt->connect();
      if (!opened) {
        retries.failed(*attempt, opened.error());
        continue;
      }
    }
    Result<Response> response = co_await attempt->ask(request);
    if (response) {
      attempt->succeeded(*response);
      co_return response;
    }
    retries.failed(*attempt, response.error());
  }
  co_return fail(retries.last());
}

}  // namespace weir

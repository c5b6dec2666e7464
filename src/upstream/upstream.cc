#include "upstream/upstream.h"

#include "upstream/attempts.h"

namespace weir {

Task<Result<Response>> Upstream::send(Exchange& exchange, UpstreamRequest request,
                                      const UpstreamOptions& options) const {
  Pool& pool = Pool::of(exchange.loop(), cluster_, options.share_connections);
  exchange.upstream().name = cluster_->name();
  Attempts attempts(exchange, pool, request, options);
  while (attempts.begin()) {
    if (!attempts.connected()) {
      Status opened = co_await attempts.connect();
      if (!opened) {
        attempts.failed_to_connect(opened.error());
        continue;
      }
    }
    Result<Response> response = co_await attempts.ask();
    if (response) {
      attempts.succeeded(*response);
      co_return response;
    }
    attempts.failed(response.error());
  }
  co_return fail(attempts.last());
}

}  // namespace weir

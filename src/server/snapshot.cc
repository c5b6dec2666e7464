#include "server/snapshot.h"

#include "http/exchange.h"

namespace weir {
namespace {

Task<Result<Response>> no_route() {
  co_return fail(ErrorCode::no_route, Origin::weir, "no route matches");
}

}  // namespace

const Route* Site::find(Exchange& exchange) const {
  const Request& request = exchange.request();
  std::optional<RouteId> pattern =
      router.find(request.authority.host, request.target.path,
                  [&](RouteId id) { return route_of(id).conditions.hold(exchange); });
  return pattern ? &route_of(*pattern) : nullptr;
}

std::vector<RouteExplanation> Site::explain(Exchange& exchange) const {
  const Request& request = exchange.request();
  return router.explain(request.authority.host, request.target.path,
                        [&](RouteId id) { return route_of(id).conditions.hold(exchange); });
}

// A plain function: the chain's own coroutines are the only frames.
Task<Result<Response>> Site::handle(Exchange& exchange) const {
  const Route* route = find(exchange);
  if (route == nullptr) return no_route();
  exchange.set_route(route->name);
  return Next(route->chain, *route->handler)(exchange);
}

}  // namespace weir
